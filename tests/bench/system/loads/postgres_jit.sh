# shellcheck shell=sh disable=SC2016,SC2086,SC2034,SC1091,SC2154
# needs: initdb pgbench psql setpriv
# threads: postgres
# As postgres, with every query compiled by LLVM.
JIT=on
. "$(dirname "$0")/loads/postgres.sh"
