# shellcheck shell=sh disable=SC2016,SC2086,SC2034,SC1091,SC2154
# needs: java javac
# threads: .*
JAVA_FLAGS=-XX:+PreserveFramePointer
. "$(dirname "$0")/loads/java.sh"
