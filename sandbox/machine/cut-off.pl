# cut-off.pl DIRECTORY: the file system at DIRECTORY loses its disk: nothing more is written, whoever uses it gets errors.
use strict;
use warnings;

# linux/fs.h: FS_IOC_SHUTDOWN is _IOR('X', 125, __u32); 2: what is in memory only is lost, the journal too.
use constant { FS_IOC_SHUTDOWN => 0x8004587d, NO_LOG_FLUSH => 2 };

my $directory = $ARGV[0];
open my $handle, '<', $directory or die "$directory: $!\n";
my $flags = pack 'L', NO_LOG_FLUSH;
ioctl $handle, FS_IOC_SHUTDOWN, $flags or die "$directory cannot be cut off: $!\n";
