# pip 23 does not take the pin of `name[extra]` for one of `name`: after each such pin its bare twin is written as well.
/^[a-z0-9.-]+\[[a-z,]+\]==/ { twin = $0; sub(/\[[a-z,]+\]/, "", twin); twin = twin "\n"; print; next }
twin && /^ / { twin = twin $0 "\n"; print; if ($0 !~ /\\$/) { printf "%s", twin; twin = "" } next }
{ print }
