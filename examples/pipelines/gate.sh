#!/bin/sh
# Any other pipeline: audit the programs that are named, keep the reports, say no by the exit status.
#
#   sudo examples/pipelines/gate.sh vendor/agent vendor/updater
#
# 0 all passed, 1 findings, 2 could not audit, 3 INCONCLUSIVE: the worst of them counts.
set -u

ato=${ATO:-ato}
worst=0
for program; do
	"$ato" run -o "${REPORTS:-ato-report}" "$program"
	status=$?
	[ "$status" -gt "$worst" ] && worst=$status
done
exit "$worst"
