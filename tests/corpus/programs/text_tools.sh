#!/bin/sh
# The usual filters over a file that the script writes itself.
set -eu
cd "$HOME"
i=0
while [ $i -lt 200 ]; do echo "line $((i % 7)) $i"; i=$((i + 1)); done >lines
sort -k2,2n -k3,3nr lines | uniq -c -f1 | awk '{ n += $1 } END { print n }'
sed -i 's/line/row/' lines
grep -c row lines
find . -name 'lin*' -type f -exec wc -l {} +
cut -d' ' -f2 lines | tr 0-9 a-j | sort -u | paste -sd, -
diff lines lines && cmp lines lines
