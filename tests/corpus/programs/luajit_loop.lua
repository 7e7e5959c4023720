#!/usr/bin/luajit
-- A loop that the JIT compiles.
local sum = 0
for n = 1, 1e7 do sum = sum + n % 7 end
assert(jit.status())
print(sum)
