# Shared by ./mixtral and ./build; POSIX sh, sourced with $root set to the project's folder.
# Finds a JDK and Maven, lets one build at a time run, and keeps the application directory.

app=$root/cli/target/app
# Names the application directory in use. Its time is the time at which that build began, so sources newer than it
# are sources that the application does not contain.
current=$app/current

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# help ARGUMENT…: if the first argument asks for it, prints what stands at the head of the script, and ends.
help() {
    case ${1:-} in
        -h | --help)
            sed -n '2,/^$/s/^# \{0,1\}//p' "$0"
            exit 0
            ;;
    esac
}

# jdk_version HOME: prints JAVA_VERSION of a JDK, from its release file, without starting it.
jdk_version() {
    [ -x "$1/bin/javac" ] && [ -r "$1/release" ] || return 1
    while IFS='=' read -r key value; do
        if [ "$key" = JAVA_VERSION ]; then
            value=${value#\"}
            printf '%s\n' "${value%%\"*}"
            return 0
        fi
    done <"$1/release"
    return 1
}

# jdk_fits HOME MAJORS: whether the JDK is at least 25.0.3 (before that, pinned arrays can be corrupted under G1,
# JDK-8377811); MAJORS is "25" or "any".
jdk_fits() {
    version=$(jdk_version "$1") || return 1
    version=${version%%[!0-9.]*}
    major=${version%%.*}
    [ -n "$major" ] || return 1
    case $version in
        *.*.*) update=${version#*.*.}; update=${update%%.*} ;;
        *) update=0 ;;
    esac
    if [ "$major" -eq 25 ]; then
        case $version in
            25.0 | 25.0.* | 25) [ "${update:-0}" -ge 3 ] ;;
            *) true ;;
        esac
    else
        [ "$2" = any ] && [ "$major" -gt 25 ]
    fi
}

# find_jdk: sets and exports JAVA_HOME, or ends with one sentence.
find_jdk() {
    if [ -n "${JAVA_HOME:-}" ] && jdk_fits "$JAVA_HOME" any; then
        export JAVA_HOME
        return 0
    fi
    path_jdk=
    if command -v java >/dev/null 2>&1; then
        path_jdk=$(command -v java)
        # readlink follows one link; the usual chain is short, a cycle is not a JDK.
        for _ in 1 2 3 4 5 6; do
            link=$(readlink "$path_jdk") || break
            case $link in
                /*) path_jdk=$link ;;
                *) path_jdk=${path_jdk%/*}/$link ;;
            esac
        done
        path_jdk=${path_jdk%/bin/java}
    fi
    mac_jdk=
    [ -x /usr/libexec/java_home ] && mac_jdk=$(/usr/libexec/java_home -v 25+ 2>/dev/null) || mac_jdk=
    # JDK 25 first: the tools of the build are known to work there.
    for majors in 25 any; do
        for home in /usr/lib/jvm/* /usr/java/* /opt/* /opt/java/* /opt/jdk/* \
            /Library/Java/JavaVirtualMachines/*/Contents/Home "$mac_jdk" \
            "${HOME:-}"/Library/Java/JavaVirtualMachines/*/Contents/Home \
            /opt/homebrew/opt/openjdk*/libexec/openjdk.jdk/Contents/Home \
            /usr/local/opt/openjdk*/libexec/openjdk.jdk/Contents/Home \
            "${SDKMAN_DIR:-${HOME:-}/.sdkman}"/candidates/java/* "${HOME:-}"/.jdks/* "$path_jdk"; do
            if jdk_fits "$home" "$majors"; then
                JAVA_HOME=$home
                export JAVA_HOME
                return 0
            fi
        done
    done
    fail "mixtral4j needs JDK 25.0.3 or newer and found none: install one (for example Eclipse Temurin 25) or set JAVA_HOME to it."
}

# find_maven: sets $maven, or ends with one sentence.
find_maven() {
    maven=$(command -v mvn) && return 0
    for home in "${MAVEN_HOME:-}" "${M2_HOME:-}" /usr/share/maven /opt/maven /opt/*maven* \
        "${SDKMAN_DIR:-${HOME:-}/.sdkman}/candidates/maven/current" /opt/homebrew /usr/local; do
        if [ -n "$home" ] && [ -x "$home/bin/mvn" ]; then
            maven=$home/bin/mvn
            return 0
        fi
    done
    fail "mixtral4j is built with Maven 3.8.7 or newer and found none: install it (package \"maven\") or put mvn on the PATH."
}

# lock: waits until no other ./mixtral or ./build is building here. mkdir is the one atomic step that every system has.
lock_dir=$root/.build-lock
lock() {
    waited=0
    nobody=0
    until mkdir "$lock_dir" 2>/dev/null; do
        [ -d "$lock_dir" ] || [ -w "$root" ] || fail "cannot build in $root: the folder is not writable."
        holder=$(cat "$lock_dir/pid" 2>/dev/null) || holder=
        if [ -n "$holder" ] && kill -0 "$holder" 2>/dev/null; then
            [ "$waited" -ne 3 ] || echo "waiting for the build of process $holder (if it is none, remove $lock_dir)" >&2
            waited=$((waited + 1))
            nobody=0
        elif [ -n "$holder" ] && mkdir "$lock_dir/dead" 2>/dev/null; then
            # Only now can nobody else remove the lock; but is it still the dead holder's?
            if [ "$(cat "$lock_dir/pid" 2>/dev/null)" = "$holder" ]; then
                remove_lock
            else
                rmdir "$lock_dir/dead" 2>/dev/null || :
            fi
            continue
        else
            # The holder is about to write its number, or another waiter to remove the lock. Where that one ended before,
            # nobody else can.
            [ "$nobody" -lt 10 ] || fail "cannot build in $root: a build was cut short; remove $lock_dir and try again."
            nobody=$((nobody + 1))
        fi
        sleep 1
    done
    echo $$ >"$lock_dir/pid"
    trap unlock EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
}

unlock() {
    # First the traps: a signal in between would remove the lock of whoever comes next.
    trap - EXIT INT TERM HUP
    remove_lock
}

# remove_lock: moves it out of the way first, which is one step, so that nobody meets half of it.
remove_lock() {
    mv "$lock_dir" "$lock_dir.$$" 2>/dev/null && rm -rf "$lock_dir.$$"
}

# app_is_current: whether the application exists and holds every source.
app_is_current() {
    [ -f "$current" ] || return 1
    changed=$(find "$root/pom.xml" "$root/.mvn" "$root/scripts" "$root"/engine/pom.xml "$root"/engine/src/main \
        "$root"/chat/pom.xml "$root"/chat/src/main "$root"/train/pom.xml "$root"/train/src/main \
        "$root"/nano/pom.xml "$root"/nano/src/main "$root"/cli/pom.xml "$root"/cli/src/main -newer "$current" 2>/dev/null)
    [ -z "$changed" ]
}

# build_app: builds the application and nothing else; the caller holds the lock.
build_app() {
    echo "mixtral4j: building (about a minute the first time)" >&2
    touch "$lock_dir/started"
    rm -rf "$root/cli/target/lib"
    if ! (cd "$root" && "$maven" -B -q -ntp -Dstyle.color=never -pl cli -am package -Dmaven.test.skip=true) \
        >"$lock_dir/log" 2>&1 </dev/null; then
        cat "$lock_dir/log" >&2
        fail "mixtral4j: the build failed; the reason stands above."
    fi
    install_app "$lock_dir/started"
}

# install_app MARKER: makes cli/target/lib the application. MARKER is a file as old as the build's beginning.
# Every build gets a folder of its own, and the file `current` changes in one rename: a starting program sees a whole
# application or the one before it, and a running one keeps its jars for two days at least.
install_app() {
    id=$(date +%Y%m%d%H%M%S)-$$
    before=
    [ ! -f "$current" ] || read -r before <"$current"
    mkdir -p "$app"
    for old in "$app"/*/; do
        old=${old%/}
        [ "${old##*/}" = "$before" ] || [ -z "$(find "$old" -prune -mtime +1 2>/dev/null)" ] || rm -rf "$old"
    done
    mkdir -p "$app/$id" && cp -pR "$root/cli/target/lib" "$app/$id/lib" || fail "cannot write to $app"
    train_archive light inspect
    train_archive vector run
    echo "$id" >"$current.$$"
    touch -r "$1" "$current.$$"
    mv "$current.$$" "$current"
}

# train_archive NAME COMMAND: makes the archive of loaded classes for the commands that start java like COMMAND. Without
# it a start takes twice as long; nothing else changes.
train_archive() {
    training=$app/$id/training
    mkdir -p "$training" || return 0
    if (
        main_class=io.github.mixtral4j.cli.ArchiveTraining
        java_app "$app/$id" -XX:ArchiveClassesAtExit="$training/$1.jsa" "$2" "$training"
    ) >"$training/log" 2>&1 </dev/null; then
        mv "$training/$1.jsa" "$app/$id/$1.jsa"
    fi
    rm -rf "$training"
}

# java_app DIR ARCHIVE_FLAG ARGUMENT…: becomes the application of that folder. Without a flag it uses the archive there.
main_class=io.github.mixtral4j.cli.Main
java_app() {
    dir=$1
    archive_flag=$2
    shift 2
    # On the class path, because a start with the same jars on the module path takes twice the time.
    class_path=
    for jar in "$dir"/lib/*.jar; do
        class_path=$class_path${class_path:+:}$jar
    done
    # Java warns about its incubating module whenever that is there; so it is there only where kernels run.
    case ${1:-} in
        '' | -* | help | inspect | tokenize | prompt | synth | merge-adapter | train-tokenizer) kind=light vector= ;;
        *) kind=vector vector='--add-modules jdk.incubator.vector' ;;
    esac
    # Starts faster and takes less memory; but training in pure Java is a seventh faster under G1.
    collector=Serial
    [ "${1:-}" != train ] || collector=G1
    [ -n "$archive_flag" ] || archive_flag=-XX:SharedArchiveFile=$dir/$kind.jsa
    # Java takes the encoding of arguments and file names from the locale, and under LANG=C would replace what is not
    # ASCII; -Dsun.jnu.encoding does not change that.
    LC_ALL=C.UTF-8
    export LC_ALL
    # -Xlog:disable: else a stale or missing archive is reported on stdout.
    # shellcheck disable=SC2086 # both are lists of options
    exec "$JAVA_HOME/bin/java" "$archive_flag" -Xlog:disable -Xshare:auto -XX:-UsePerfData \
        -XX:+Use${collector}GC -Xms64m -Xmx2g $vector --enable-native-access=ALL-UNNAMED \
        -Dstdin.encoding=UTF-8 -Dstdout.encoding=UTF-8 -Dstderr.encoding=UTF-8 \
        -Djava.util.logging.SimpleFormatter.format=%5\$s%n \
        ${MIXTRAL4J_JAVA_OPTIONS:-} -cp "$class_path" "$main_class" "$@"
}
