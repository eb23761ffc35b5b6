# shellcheck shell=sh disable=SC2016,SC2086,SC2034,SC1091,SC2154
# needs: ruby
# threads: ruby.*
prepare() {
	cat >load.rb <<'END'
require 'json'; require 'digest'; require 'zlib'; require 'set'
finish = Time.now + ARGV[0].to_f
def fib(n) = n < 2 ? n : fib(n - 1) + fib(n - 2)
text = JSON.generate((0..600).map { |i| { id: i, n: "x#{i}" } })
while Time.now < finish
  JSON.parse(text); text.scan(/\w+/).tally.sort_by { |k, v| [-v, k] }; fib(17); Zlib.deflate(text); Digest::SHA256.hexdigest(text)
  text.gsub(/\d+/) { |m| (m.to_i * 2).to_s }; (3**2000).to_s; Set.new(text.chars).size; eval("1 + #{rand(9)}"); [3, 1, 2].each_slice(2).lazy.map { _1 }.to_a
  Fiber.new { 100.times { Fiber.yield } }.then { |f| 100.times { f.resume } }; Thread.new { fib(12) }.join
end
END
}
run() {
	ruby load.rb "$1"
}
