"""Plants each mistake and says which were noticed. Ends with 0 only when all were."""

import sys
import tempfile
from pathlib import Path

from scripts.mutations.field import Field, MutationError
from scripts.mutations.planted import MUTATIONS


def main() -> int:
    """Run all mutations; 0 when every one turned a test red."""
    with tempfile.TemporaryDirectory() as folder:
        field = Field(Path(folder))
        tests = sorted({test for mutation in MUTATIONS for test in mutation.tests})
        try:
            if not field.passes(tests):
                print("The tests fail without any mutation.")
                return 1
            unnoticed = 0
            for mutation in MUTATIONS:
                is_noticed = field.is_noticed(mutation)
                unnoticed += not is_noticed
                print(f"{'noticed' if is_noticed else 'NOT NOTICED'}: {mutation.name} ({mutation.path})", flush=True)
        except MutationError as error:
            print(error)
            return 1
    print(f"{len(MUTATIONS) - unnoticed} of {len(MUTATIONS)} mutations turned a test red.")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
