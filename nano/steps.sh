# Shared by nano/train-nano and nano/try-adapters; POSIX sh, sourced behind scripts/common.sh with $self set to the script
# as it was called and $work to the folder that it works in.

# prepare: builds the application if need be.
prepare() {
    find_jdk
    "$root/mixtral" --version >/dev/null
}

# step NAME COMMAND…: runs a command unless it has succeeded before.
step() {
    name=$1
    shift
    [ ! -f "$work/done/$name" ] || return 0
    echo "nano: $name" >&2
    "$@" || fail "nano: the step \"$name\" failed; its message stands above. Run $self again to go on from here."
    mkdir -p "$work/done"
    : >"$work/done/$name"
}

# tool STEP ARGUMENT…: a step of NanoTools, from the application that ./mixtral has built.
tool() (
    read -r id <"$current"
    main_class=io.github.mixtral4j.nano.NanoTools
    java_app "$app/$id" "" "$@"
)

# train NAME: a training; what is there of it already is taken up again. Of a fraction of the samples it makes the same
# fraction of its steps, if the recipe counts them.
train() {
    config=$root/nano/recipe/$1.yaml
    if [ -n "${MIXTRAL4J_NANO_SIZE:-}" ]; then
        # Paths of a recipe begin with ../work, so that they mean the same from there.
        awk -v size="$MIXTRAL4J_NANO_SIZE" '/^steps:/ { n = int($2 * size); $0 = "steps: " (n < 1 ? 1 : n) } 1' \
            "$config" >"$root/nano/work/$1.yaml"
        config=$root/nano/work/$1.yaml
    fi
    "$root/mixtral" train "$config" --resume
}
