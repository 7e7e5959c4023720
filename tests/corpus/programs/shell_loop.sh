#!/bin/sh
# Count, branch, use variables, pipes and command substitution.
set -eu
total=0
for number in 1 2 3 4 5 6 7 8 9 10; do
	if [ $((number % 2)) -eq 0 ]; then total=$((total + number)); fi
done
test "$(printf '%s\n' c a b | sort | head -n 1)" = a
echo "sum of the even numbers: $total, on $(date -u +%Y) by $(id -un)"
