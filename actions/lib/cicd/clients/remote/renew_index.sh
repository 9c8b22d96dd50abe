# Sign the indexes anew before they end.
. ./index.sh

make_signer
lock_index
for target in $targets; do
    distribution=${target%%:*}
    [ -f "$public/dists/$distribution/Release" ] || continue
    said=$(renew_index "$distribution") || fail "$distribution cannot be signed again, and is as it was: $(printf '%s\n' "$said" | tail -n 5)"
done
said=$(sign_statements_anew) || fail "provenance cannot be signed again: $(printf '%s\n' "$said" | tail -n 5)"
export_keys
say_key_ends
