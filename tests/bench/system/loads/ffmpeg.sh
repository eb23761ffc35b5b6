# shellcheck shell=sh disable=SC2016,SC2086,SC2034,SC1091,SC2154
# needs: ffmpeg
# threads: .*
# Hand-written assembler without CFI and without frame pointers.
run() {
	end=$(($(date +%s) + $1))
	while [ "$(date +%s)" -lt "$end" ]; do
		ffmpeg -v error -nostdin -f lavfi -i testsrc2=s=640x360:d=2 -f lavfi -i sine=d=2 -c:v libx264 -preset medium -c:a aac -y o.mp4
		ffmpeg -v error -nostdin -i o.mp4 -vf scale=320:180,gblur -c:v mpeg2video -c:a libmp3lame -y o.mkv
		ffmpeg -v error -nostdin -i o.mkv -c:v libx265 -x265-params log-level=error -frames:v 20 -y o.mp4
		ffmpeg -v error -nostdin -i o.mkv -c:v libvpx-vp9 -cpu-used 6 -frames:v 20 -y o.webm
	done
}
