# What a tree is: names, executable or not, where links lead, what files contain.
digest_of() { # TREE
    (cd "$1" && {
        find . -mindepth 1 ! -type f -printf '%y %P\0%l\0' | sort -z
        find . -type f ! -perm -u+x -print0 | sort -z | xargs -0r sha256sum -z
        echo executable
        find . -type f -perm -u+x -print0 | sort -z | xargs -0r sha256sum -z
    } | sha256sum | cut -d' ' -f1)
}
