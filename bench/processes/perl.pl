# nbdkit-zram: a perl process whose memory becomes part of a corpus.
# SPDX-License-Identifier: BSD-3-Clause
#
# Usage: perl.pl LIST FIRST MIB
# Keeps files in LIST, from number FIRST on, as lines and hashes of words,
# until it is MIB big.  Then says "ready" and waits to be ended.

use strict;
use warnings;

sub resident {
  open (my $f, '<', '/proc/self/statm') or die "statm: $!";
  return (split / /, <$f>)[1] * 4096;
}

my ($list, $first, $mib) = @ARGV;
open (my $in, '<', $list) or die "$list: $!";
chomp (my @names = <$in>);
my (%words, %lines);
for my $i (0 .. $#names) {
  last if resident () >= $mib * 1048576;
  my $path = $names[($i + $first) % @names];
  open (my $f, '<', $path) or next;
  while (my $line = <$f>) {
    push @{$lines{$path}}, $line;
    push @{$words{$_}}, $. for split /\W+/, $line;
  }
}
$| = 1;
print "ready\n";
my $end = <STDIN>;
