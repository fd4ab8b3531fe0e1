// The peer of `scripts/bench api`: fastify and pg answer the rooms page with the same statements, after the same checks.
// Environment: PORT, DATABASE_URL, PUBLIC_KEY (PEM), KID, ISSUER, POOL, SSO_TIERS (of plans, with commas between).
import { createPublicKey, verify } from 'node:crypto';
import Fastify from 'fastify';
import pg from 'pg';

const key = createPublicKey(process.env.PUBLIC_KEY);
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: Number(process.env.POOL) });
const ssoTiers = process.env.SSO_TIERS.split(',');
const app = Fastify({ logger: false });
const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const UUID = new RegExp(`^${uuid}$`);

/** The claims of a good access token, or null. */
function claimsOf(header) {
  if (!header?.startsWith('Bearer ')) return null;
  const [head, body, signature, more] = header.slice(7).split('.');
  if (signature === undefined || more !== undefined) return null;
  const { alg, kid } = JSON.parse(Buffer.from(head, 'base64url'));
  if (alg !== 'ES256' || kid !== process.env.KID) return null;
  const signed = Buffer.from(`${head}.${body}`);
  if (!verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'))) return null;
  const claims = JSON.parse(Buffer.from(body, 'base64url'));
  if (claims.aud !== 'authenticated' || claims.iss !== process.env.ISSUER || claims.exp * 1000 < Date.now()) return null;
  return UUID.test(claims.sub) && UUID.test(claims.session_id) ? claims : null;
}

app.get('/api/v1/organizations/:organization/rooms', async (request, reply) => {
  const claims = claimsOf(request.headers.authorization);
  if (claims === null) return reply.code(401).send({ code: 'unauthenticated' });
  if (!UUID.test(request.params.organization)) return reply.code(404).send({ code: 'not_found' });
  const { rows } = await pool.query({
    name: 'rooms',
    text: 'select standing, member_role, items, last_id, has_more, needs_sso from tenant_rooms($1, $2, $3, $4, $5, $6)',
    values: [request.params.organization, claims.sub, claims.session_id, null, 100, ssoTiers],
  });
  if (rows[0] && rows[0].standing !== 'good') return reply.code(401).send({ code: 'unauthenticated' });
  if (rows[0]?.needs_sso) return reply.code(403).send({ code: 'sso_required' });
  if (rows.length === 0) return reply.code(404).send({ code: 'not_found' });
  const cursor = rows[0].has_more ? Buffer.from(JSON.stringify([rows[0].last_id])).toString('base64url') : null;
  reply.header('content-type', 'application/json');
  return reply.send(`{"items":${rows[0].items},"nextCursor":${JSON.stringify(cursor)}}`);
});

await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) });
