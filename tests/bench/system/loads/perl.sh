# shellcheck shell=sh disable=SC2016,SC2086,SC2034,SC1091,SC2154
# needs: perl
# threads: perl
prepare() {
	cat >load.pl <<'END'
use strict; use warnings;
use Digest::SHA; use POSIX; use Data::Dumper; use List::Util qw(sum shuffle reduce);
my $end = time + shift;
sub fib { my $n = shift; $n < 2 ? $n : fib($n - 1) + fib($n - 2) }
my $text = join " ", map { "word$_ x" . $_ * 7 } 1 .. 4000;
while (time < $end) {
	my %count; $count{$1}++ while $text =~ /(\w+?\d)\b/g;
	my @sorted = sort { $count{$a} <=> $count{$b} || $a cmp $b } keys %count;
	(my $copy = $text) =~ s/(\d+)/sprintf("%x", $1)/ge;
	Digest::SHA::sha512_hex($text); fib(15); sum(shuffle(1 .. 3000));
	local $Data::Dumper::Useqq = 1; Dumper([@sorted[0 .. 200]]); eval "1 + $_" for 1 .. 50;
	my $s = join "", map { chr(ord("a") + $_ % 26) } 1 .. 5000; $s =~ /^(a|b|[c-z])*$/; pack("N*", 1 .. 1000);
}
END
}
run() {
	perl load.pl "$1"
}
