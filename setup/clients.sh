# Sourced by ./check after environment.sh: programs of others that ask the server, as they are.
# Each set lies in a folder of its own below .venv, is made on the first run (half a minute) and
# again only when the versions it is made from have changed.

CLIENTS=.venv/clients
DBT=.venv/dbt

node_is_new() {
    [ "$(node -p 'parseInt(process.versions.node)' 2>/dev/null || echo 0)" -ge 18 ] &&
        command -v npm >/dev/null
}

# Clients of GraphQL: the audit of graphql-http and Relay's compiler.
prepare_clients() {
    node_is_new || { apt_install nodejs npm && node_is_new; } ||
        give_up "Node 18 or newer and npm are needed. Type: $(as_root)apt-get install nodejs npm"
    clients_stamp="$(pwd) $(cat setup/clients/* | cksum)"
    if [ "$(cat "$CLIENTS/made-from" 2>/dev/null)" = "$clients_stamp" ]; then
        return
    fi
    say "Set-up: installing clients of GraphQL ..."
    mkdir -p "$CLIENTS"
    cp setup/clients/package.json setup/clients/package-lock.json "$CLIENTS"
    (cd "$CLIENTS" && npm ci --silent --ignore-scripts --no-audit --no-fund) ||
        give_up "Installing failed; what npm said is above. Once that is mended, type the same again."
    printf '%s\n' "$clients_stamp" >"$CLIENTS/made-from"
}

# dbt and its OpenLineage client. What they need contradicts what we need: another environment.
prepare_dbt() {
    dbt_stamp="$(pwd) $(cksum <setup/dbt/constraints.txt)"
    if [ "$(cat "$DBT/made-from" 2>/dev/null)" = "$dbt_stamp" ]; then
        return
    fi
    say "Set-up: installing dbt into $DBT ..."
    make_environment "$PY" "$DBT"
    "$DBT/bin/python" -m pip install -q --disable-pip-version-check \
        -c setup/dbt/constraints.txt dbt-core dbt-duckdb openlineage-dbt ||
        give_up "Installing failed; what pip said is above. Once that is mended, type the same again."
    printf '%s\n' "$dbt_stamp" >"$DBT/made-from"
}
