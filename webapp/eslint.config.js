import importX from 'eslint-plugin-import-x';
import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

const features = ['auth', 'account', 'organizations', 'settings', 'rooms', 'live-room', 'alerts', 'chat'];
const above = (target, ...from) => from.map((folder) => ({ target: `./src/${target}`, from: `./src/${folder}` }));

export default tseslint.config(
  { ignores: ['dist', 'src/api/generated', 'public'] },
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    files: ['**/*.{ts,tsx}'],
    plugins: { 'import-x': importX, 'react-hooks': reactHooks },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    settings: {
      'import-x/resolver-next': [importX.createNodeResolver({ extensions: ['.ts', '.tsx', '.js', '.css'], alias: { '@': [`${import.meta.dirname}/src`] } })],
    },
    rules: {
      'max-lines': ['error', { max: 250 }],
      'react-hooks/rules-of-hooks': 'error',
      'react-hooks/exhaustive-deps': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      // A handler that starts something and forgets it writes `void`; event props may take async functions.
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { attributes: false } }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true }],
      '@typescript-eslint/consistent-type-definitions': ['error', 'interface'],
      '@typescript-eslint/consistent-type-imports': 'error',
      // app -> features -> realtime | api | ui | lib; features don't import each other.
      'no-restricted-imports': ['error', { patterns: [{ group: ['../*'], message: 'Import by @/ from other folders.' }] }],
      'import-x/no-restricted-paths': [
        'error',
        {
          zones: [
            ...above('features', 'app'),
            ...above('realtime', 'app', 'features', 'ui'),
            // Neighbours, but for the wire types, which are generated into api/.
            { target: './src/realtime', from: './src/api', except: ['./generated'] },
            ...above('api', 'app', 'features', 'realtime', 'ui'),
            ...above('ui', 'app', 'features', 'realtime', 'api'),
            ...above('lib', 'app', 'features', 'realtime', 'api', 'ui'),
            ...features.map((feature) => ({
              target: `./src/features/${feature}`,
              from: './src/features',
              except: [`./${feature}`],
              message: 'Features do not import each other; app/ puts them together.',
            })),
          ],
        },
      ],
    },
  },
  {
    files: ['src/realtime/**', 'src/api/**', 'src/lib/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        { paths: ['react', 'react-dom', 'zustand'].map((name) => ({ name, message: 'No React on this floor.' })),
          patterns: [{ group: ['../*'], message: 'Import by @/ from other folders.' }] },
      ],
    },
  },
  { files: ['*.js'], ...tseslint.configs.disableTypeChecked },
);
