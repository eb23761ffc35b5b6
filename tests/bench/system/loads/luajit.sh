# shellcheck shell=sh disable=SC2016,SC2086,SC2034,SC1091,SC2154
# needs: luajit
# threads: luajit
# An interpreter written in assembler with CFI, and code made at run time.
prepare() {
	cat >load.lua <<'END'
local finish = os.time() + tonumber(arg[1])
local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
while os.time() < finish do
  local t = {} for i = 1, 3000 do t[i] = (i * 7919) % 1009 end table.sort(t) table.sort(t, function(a, b) return a > b end)
  local s = table.concat(t, " ") for w in s:gmatch("%d+") do t[#t + 1] = tonumber(w) end s:gsub("%d", function(d) return d + 1 end)
  fib(18) string.rep(s, 3):find("xyz") local c = coroutine.wrap(function() for i = 1, 300 do coroutine.yield(i) end end) for i = 1, 300 do c() end
end
END
}
run() {
	luajit load.lua "$1" & luajit -joff load.lua "$1"
	wait
}
