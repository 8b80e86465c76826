# nbdzramctl: completion for fish.
# SPDX-License-Identifier: BSD-3-Clause

function __nbdzramctl_ask
    set -l words (commandline -opc)
    set -l uri
    for i in (seq (count $words))
        if contains -- $words[$i] -u --uri; and test $i -lt (count $words)
            set uri -u $words[(math $i + 1)]
        end
    end
    # It may not answer.
    set -l bounded
    command -q timeout; and set bounded timeout 2
    command $bounded nbdzramctl $uri $argv 2>/dev/null </dev/null
end

function __nbdzramctl_devices
    __nbdzramctl_ask -n --raw -o NAME
end

function __nbdzramctl_attributes
    set -l words (commandline -opc)
    __nbdzramctl_ask get $words[-1] | string replace -r '  +' \t
end

function __nbdzramctl_columns
    command nbdzramctl --help 2>/dev/null |
        sed -n '/^Columns:/,/^$/s/^ *\([A-Z][-A-Z0-9]*\)  \(.*\)/\1\t\2/p'
end

# Names, and after a colon the levels that there are.
function __nbdzramctl_codecs
    switch (commandline -ct | string replace -r '.*[,=]' '')
        case 'lz4:*'
            printf 'lz4:%s\n' 1 2 4 8 16
        case 'lz4hc:*'
            printf 'lz4hc:%s\n' (seq 3 12)
        case 'zstd:*'
            printf 'zstd:%s\n' -5 -1 (seq 22)
        case 'deflate:*'
            printf 'deflate:%s\n' (seq 12)
        case '*'
            printf '%s\n' lz4 lz4hc zstd lzo deflate
    end
end

# KEY= or, after that, KEY=VALUE.
function __nbdzramctl_parameters
    switch (commandline -ct)
        case 'size=*'
            printf 'size=%s\n' 512M 1G 2G 4G 8G
        case 'algo=*'
            printf 'algo=%s\n' (__nbdzramctl_codecs)
        case 'level=*'
            printf 'level=%s\n' 1 3 6 9
        case 'page-size=*'
            printf 'page-size=%s\n' 4K 8K 16K 32K 64K
        case 'mem-limit=*'
            printf 'mem-limit=%s\n' 256M 1G '25%' '50%'
        case 'track-access=*'
            printf 'track-access=%s\n' true false
        case 'swap=*'
            printf 'swap=%s\n' true false
        case 'swap-reserve=*'
            printf 'swap-reserve=%s\n' 0 16M 32M 64M
        case 'dictionary=*'
            printf 'dictionary=%s\n' auto off
        case 'late=*'
            printf 'late=%s\n' off 1M 4M 16M
        case 'upkeep=*'
            printf 'upkeep=%s\n' auto off
        case '*'
            printf '%s=\n' size algo level page-size mem-limit track-access swap swap-reserve dictionary late upkeep
    end
end

function __nbdzramctl_algorithm_params
    switch (commandline -ct)
        case 'algo=*' 'level=*'
            __nbdzramctl_parameters
        case 'priority=*'
            printf 'priority=%s\n' 1 2 3
        case 'type=*'
            printf 'type=%s\n' idle huge huge_idle
        case '*'
            test (count $argv) -eq 0; and set argv algo level priority
            printf '%s=\n' $argv
    end
end

# What the attribute before it takes.
function __nbdzramctl_values
    set -l words (commandline -opc)
    switch $words[-1]
        case disksize
            printf '%s\n' 512M 1G 2G 4G 8G
        case mem_limit
            printf '%s\n' 0 256M 1G '25%' '50%'
        case mem_used_max
            echo 0
        case comp_algorithm
            __nbdzramctl_codecs
        case algorithm_params
            __nbdzramctl_algorithm_params
        case recomp_algorithm
            __nbdzramctl_algorithm_params algo priority
        case recompress
            __nbdzramctl_algorithm_params type threshold max_pages algo priority
        case idle
            printf '%s\n' all 60 3600
        case compact
            echo 1
        case reset
            printf '%s\n' 1 force
    end
end

# The words after a command.
function __nbdzramctl_after
    set -l words (commandline -opc)
    contains -- $argv[1] $words; or return 1
    test (count $argv) -lt 2; and return 0
    set -l at (contains -i -- $argv[1] $words)
    test (math (count $words) - $at) -eq $argv[2]
end

set -l c complete -c nbdzramctl
set -l commands stat get set add remove reset compact recompress top estimate attach detach swapon swapoff mount unmount serve prometheus help
set -l none "not __fish_seen_subcommand_from $commands"

complete -c nbdzramctl -f
$c -n $none -a '(__nbdzramctl_devices)' -d device
$c -n $none -a stat -d 'print everything about devices'
$c -n $none -a get -d 'print an attribute, or list all of them'
$c -n $none -a set -d 'write to an attribute'
$c -n $none -a add -d 'make a device and print its name'
$c -n $none -a remove -d 'remove devices and all data on them'
$c -n $none -a reset -d 'forget all data on devices'
$c -n $none -a compact -d 'give back free memory now'
$c -n $none -a recompress -d 'compress stored pages again'
$c -n $none -a top -d 'watch devices'
$c -n $none -a estimate -d 'show how well each codec compresses data'
$c -n $none -a attach -d 'attach a device as /dev/nbdN'
$c -n $none -a detach -d 'detach devices from this machine'
$c -n $none -a swapon -d 'attach a device and swap to it'
$c -n $none -a swapoff -d 'stop swapping to devices and detach them'
$c -n $none -a mount -d 'put a file system on a device and mount it'
$c -n $none -a unmount -d 'unmount devices, forget and detach them'
$c -n $none -a serve -d 'run the server that --config describes'
$c -n $none -a prometheus -d 'print metrics in Prometheus format'
$c -n $none -a help -d 'print help'
$c -n '__fish_seen_subcommand_from stat top remove reset compact recompress attach detach swapon swapoff mount unmount' -a '(__nbdzramctl_devices)'
$c -n '__nbdzramctl_after get 0; or __nbdzramctl_after set 0' -a '(__nbdzramctl_devices)'
$c -n '__nbdzramctl_after get 1' -a '(__nbdzramctl_attributes)'
$c -n '__nbdzramctl_after set 1' -a 'disksize mem_limit mem_used_max comp_algorithm algorithm_params recomp_algorithm recompress idle compact reset'
$c -n '__nbdzramctl_after set 2' -a '(__nbdzramctl_values)'
$c -n '__fish_seen_subcommand_from add' -a '(__nbdzramctl_parameters)'
$c -n '__fish_seen_subcommand_from estimate' -F

$c -s a -l algorithm -x -a '(__fish_append , (__nbdzramctl_codecs))' -d 'codec'
$c -s b -l bytes -d 'print sizes in bytes and times in ns'
$c -s f -l find -d 'make a device of -s SIZE and print its name'
$c -s J -l json -d 'print JSON'
$c -s n -l noheadings -d 'print no headings'
$c -s o -l output -x -a '(__fish_append , (__nbdzramctl_columns))' -d 'columns to print'
$c -l output-all -d 'print all columns'
$c -s p -l algorithm-params -x -a '(__nbdzramctl_algorithm_params)' -d 'parameters of the codec'
$c -l raw -d 'one space between columns'
$c -s r -l reset -d 'forget all data on the devices named'
$c -l force -d 'proceed where the command would refuse'
$c -s s -l size -x -a '512M 1G 2G 4G 8G' -d 'size of the device'
$c -s t -l streams -x -d 'does nothing; accepted because zramctl has it'
$c -s u -l uri -r -a nbd://localhost -d 'the server'
$c -l timeout -x -a '1 10 60' -d 'longest wait for each answer'
$c -l interval -x -a '0.5 1 2 5 10' -d 'time between two updates'
$c -l once -d 'print the screen once, as text'
$c -l pid -x -a '(__fish_complete_pids)' -d 'look at the memory of this process'
$c -l sample -x -a '32M 256M all' -d 'how much of the data to try, or all'
$c -l page-size -x -a '(__fish_append , 4K 8K 16K 32K 64K)' -d 'page sizes to try'
$c -l device -x -a '(string match -r "/dev/nbd[0-9]+\$" /dev/nbd*)' -d 'attach as this /dev/nbdN'
$c -l connections -x -a '1 2 4 8' -d 'connections to the server'
$c -l nbd-timeout -x -a '0 30 60' -d 'fail kernel requests that take longer'
$c -l priority -x -a '0 100 32767' -d 'swap priority; higher is used first'
$c -l discard -x -a 'both once pages none' -d 'when to discard swap pages'
$c -l type -x -a 'idle huge huge_idle' -d 'only pages of this type'
$c -l threshold -x -a '500 1000 2000' -d 'only pages stored in this size or more'
$c -l max-pages -x -a '1000 100000' -d 'try no more pages than this'
$c -l fs-type -x -a 'ext2 ext3 ext4 xfs btrfs f2fs' -d 'file system to make'
$c -l mount-point -x -a '(__fish_complete_directories)' -d 'where to mount the file system'
$c -l mount-options -x -d 'options for mount -o'
$c -l config -r -F -a '(path filter /etc/nbdkit-zram/*.conf 2>/dev/null)' -d 'take parameters and options from this file'
$c -l dry-run -d 'print commands instead of running them'
$c -l check -d 'check the --config and serve nothing'
$c -s h -l help -d 'print help'
$c -s V -l version -d 'print the version'
