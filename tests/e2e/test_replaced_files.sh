#!/usr/bin/env bash
# Programs and libraries that are deleted, replaced, rewritten or were never in a file system:
# names come from the file that is mapped, or there are none.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

build program chain.c
build other chain.c -Da=wrong_a -Db=wrong_b -Dc=wrong_c

# ---- programs ------------------------------------------------------------------------------------
cp "$work/program" "$work/deleted"
start "$work/deleted"
deleted=$started
cp "$work/program" "$work/replaced"
start "$work/replaced"
replaced=$started
wait_until 5 grep -q deleted "/proc/$deleted/comm"
wait_until 5 grep -q replaced "/proc/$replaced/comm"
rm "$work/deleted"
cp "$work/other" "$work/new" && mv "$work/new" "$work/replaced"
claim "a recording succeeds" record -p "$deleted,$replaced" -d 1s -F 999 -o "$work/programs.folded"
claim "a program that was deleted has the exact chain" \
	folded ends "$work/programs.folded" deleted 'main;a;b;c' 99
claim "a program that was replaced has the exact chain of what runs" \
	folded ends "$work/programs.folded" replaced 'main;a;b;c' 99
stop "$deleted" "$replaced"

cp "$work/program" "$work/fading"
start "$work/fading"
wait_until 5 grep -q fading "/proc/$started/comm"
claim "a recording begins" record_until_stopped -p "$started" -F 999 -o "$work/fading.folded"
sleep 0.7
cp "$work/other" "$work/new" && mv "$work/new" "$work/fading"
sleep 0.7
claim "it ends when interrupted" stop_recording
claim "a program that was replaced during the recording has the exact chain throughout" \
	folded ends "$work/fading.folded" fading 'main;a;b;c' 99
stop "$started"

build from_memory from_memory.c
cp "$work/program" "$work/in_memory"
claim "a program that is only in memory is recorded" \
	record -F 999 -o "$work/memory.folded" -- "$work/from_memory" "$work/in_memory" 500
claim "a program that is only in memory has the exact chain" \
	folded has "$work/memory.folded" '*' 'main;a;b;c' 97

# ---- libraries -----------------------------------------------------------------------------------
# In three versions: the second has the same code at the same places under another name; the third
# too, and has the old name elsewhere.
library() { # OUTPUT FLAG...
	local output=$1
	shift
	build "$output" plugin.c -shared -fPIC -fno-toplevel-reorder "$@"
}
symbol() { # FILE NAME: its address and size
	nm -S "$1" | awk -v name="$2" '$4 == name { print $1, $2 }'
}
library old.so -DFUNCTION=work_old
library new.so -DFUNCTION=work_new
library moved.so -DFUNCTION=decoy -DOTHER=work_old
cp "$work/old.so" "$work/libplugin.so"
build host host.c "$work/libplugin.so" -Wl,-rpath,"$work"
same_place() {
	same "$(symbol "$work/old.so" work_old)" "$(symbol "$work/$1" "$2")"
}
claim "the code of the new library is where that of the old one is" same_place new.so work_new
claim "in the third library another function is in that place" same_place moved.so decoy

start_host() { # with the old library; sets $started
	cp "$work/old.so" "$work/fresh.so" && mv "$work/fresh.so" "$work/libplugin.so"
	start "$work/host"
	wait_until 5 grep -q libplugin "/proc/$started/maps"
}

start_host
cp "$work/moved.so" "$work/fresh.so" && mv "$work/fresh.so" "$work/libplugin.so"
claim "a program whose library was replaced is recorded" record -p "$started" -d 1s -F 999 -o "$work/renamed.folded"
claim "it has the names of the library that it runs" \
	folded ends "$work/renamed.folded" host 'main;plugin_call;work_old' 95
claim "and none of the one that took its place" folded absent "$work/renamed.folded" host decoy
stop "$started"

rewrite() { # what is mapped changes as well: the code is the same, the names are not
	dd if="$work/new.so" of="$work/libplugin.so" conv=notrunc bs=1M status=none
}
cpu_ticks() { # PID: that it has used, user and system, in hundredths of a second
	awk '{ print $14 + $15 }' "/proc/$1/stat"
}

start_host
rewrite
claim "a program whose library was rewritten is recorded" record -p "$started" -d 1s -F 999 -o "$work/rewritten.folded"
claim "it has the names that the file has now" \
	folded ends "$work/rewritten.folded" host 'main;plugin_call;work_new' 95
stop "$started"

start_host
claim "a recording begins" record_until_stopped -p "$started" -F 999 -o "$work/during.folded"
begin=$(cpu_ticks "$started")
sleep 1
rewrite
middle=$(cpu_ticks "$started")
sleep 2
claim "it ends when interrupted" stop_recording
end=$(cpu_ticks "$started")
stop "$started"
samples_of() { # FRAME: the samples that contain it
	folded has "$work/during.folded" host "$1" 0 0 | sed -n '1s/ .*//p'
}
claim "a library that is rewritten during a recording is in the profile" \
	folded present "$work/during.folded" host 'plugin_call|libplugin\.so\+0x[0-9a-f]+'
# Ticks of 10 ms at 999 Hz; a tenth more for what ran between reading the clock and rewriting.
claim "no sample from before has the new names" \
	at_most "$(samples_of work_new)" $(((end - middle) * 11 + 20))
claim "and none from afterwards the old ones" \
	at_most "$(samples_of work_old)" $(((middle - begin) * 11 + 20))
claim "every frame of it has a name or says where it is" \
	folded has "$work/during.folded" host main 95
note "rewritten during the recording: $(samples_of work_old) samples with old names of about $(((middle - begin) * 10))," \
	"$(samples_of work_new) with new ones of about $(((end - middle) * 10))"
