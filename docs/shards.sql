-- Spread a store over this PostgreSQL server and two others, by run. Nothing of trainboard's is asked for but
-- its tables; docs/scale.md says what to do first, and what this promises.
--
--   psql -v ON_ERROR_STOP=1 -v host_1=… -v port_1=… … -f shards.sql DATABASE
--
-- with the variables host_1, port_1, dbname_1, user_1, password_1, and the same with _2.

BEGIN;

CREATE EXTENSION postgres_fdw;

CREATE SERVER shard_1 FOREIGN DATA WRAPPER postgres_fdw
    OPTIONS (host :'host_1', port :'port_1', dbname :'dbname_1', batch_size '100');
CREATE SERVER shard_2 FOREIGN DATA WRAPPER postgres_fdw
    OPTIONS (host :'host_2', port :'port_2', dbname :'dbname_2', batch_size '100');
CREATE USER MAPPING FOR CURRENT_USER SERVER shard_1 OPTIONS (user :'user_1', password :'password_1');
CREATE USER MAPPING FOR CURRENT_USER SERVER shard_2 OPTIONS (user :'user_2', password :'password_2');

-- What names a blob may be on another server than it, where no foreign key reaches.
ALTER TABLE records DROP CONSTRAINT records_blob_fkey;
ALTER TABLE pieces DROP CONSTRAINT pieces_blob_fkey;

-- The table itself becomes the first partition, with its keys; those of the others are on their servers.
CREATE PROCEDURE spread(name text, key text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %I RENAME TO %I', name, name || '_0');
    EXECUTE format('CREATE TABLE %I (LIKE %I) PARTITION BY HASH (%I)', name, name || '_0', key);
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES WITH (MODULUS 3, REMAINDER 0)',
                   name, name || '_0');
    FOR shard IN 1..2 LOOP
        EXECUTE format('CREATE FOREIGN TABLE %I PARTITION OF %I FOR VALUES WITH (MODULUS 3, REMAINDER %s) '
                       'SERVER %I OPTIONS (table_name %L)',
                       name || '_' || shard, name, shard, 'shard_' || shard, name);
    END LOOP;
END $$;

CALL spread('runs', 'run_id');
CALL spread('series', 'run_id');
CALL spread('chunks', 'run_id');
CALL spread('records', 'run_id');
CALL spread('spools', 'run_id');
CALL spread('requests', 'run_id');
CALL spread('followed', 'run_id');
CALL spread('layer_maps', 'run_id');
CALL spread('rule_states', 'run_id');
CALL spread('acknowledged', 'run_id');
CALL spread('environments', 'run_id');
CALL spread('windows', 'run_id');
CALL spread('pieces', 'run_id');
CALL spread('blobs', 'hash');

DROP PROCEDURE spread;

COMMIT;
