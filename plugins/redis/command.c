/* SPDX-License-Identifier: Apache-2.0 */

/* command: the commands of Redis 7.0, by where their keys are.
 *
 * A rule that names a key must not be passed by a command that touches another one as well. So a
 * command has a key here only if it can have no second one: not by its arguments (MSET, RENAME,
 * SINTERSTORE), not by its options (SORT ... STORE, GEORADIUS ... STORE), not by what it runs
 * (EVAL). What modules and later versions bring has none either.
 */

#include "command.h"

#include <stdlib.h>
#include <string.h>

/* Each in the order of strcmp(). */
/* clang-format off */
static const char *const first[] = {
    "APPEND", "BITCOUNT", "BITFIELD", "BITFIELD_RO", "BITPOS", "DECR", "DECRBY", "DUMP", "EXPIRE",
    "EXPIREAT", "EXPIRETIME", "GEOADD", "GEODIST", "GEOHASH", "GEOPOS", "GEORADIUSBYMEMBER_RO",
    "GEORADIUS_RO", "GEOSEARCH", "GET", "GETBIT", "GETDEL", "GETEX", "GETRANGE", "GETSET", "HDEL",
    "HEXISTS", "HGET", "HGETALL", "HINCRBY", "HINCRBYFLOAT", "HKEYS", "HLEN", "HMGET", "HMSET",
    "HRANDFIELD", "HSCAN", "HSET", "HSETNX", "HSTRLEN", "HVALS", "INCR", "INCRBY", "INCRBYFLOAT",
    "LINDEX", "LINSERT", "LLEN", "LPOP", "LPOS", "LPUSH", "LPUSHX", "LRANGE", "LREM", "LSET",
    "LTRIM", "MOVE", "PERSIST", "PEXPIRE", "PEXPIREAT", "PEXPIRETIME", "PFADD", "PSETEX", "PTTL",
    "RESTORE", "RPOP", "RPUSH", "RPUSHX", "SADD", "SCARD", "SET", "SETBIT", "SETEX", "SETNX",
    "SETRANGE", "SISMEMBER", "SMEMBERS", "SMISMEMBER", "SPOP", "SRANDMEMBER", "SREM", "SSCAN",
    "STRLEN", "SUBSTR", "TTL", "TYPE", "XACK", "XADD", "XAUTOCLAIM", "XCLAIM", "XDEL", "XLEN",
    "XPENDING", "XRANGE", "XREVRANGE", "XSETID", "XTRIM", "ZADD", "ZCARD", "ZCOUNT", "ZINCRBY",
    "ZLEXCOUNT", "ZMSCORE", "ZPOPMAX", "ZPOPMIN", "ZRANDMEMBER", "ZRANGE", "ZRANGEBYLEX",
    "ZRANGEBYSCORE", "ZRANK", "ZREM", "ZREMRANGEBYLEX", "ZREMRANGEBYRANK", "ZREMRANGEBYSCORE",
    "ZREVRANGE", "ZREVRANGEBYLEX", "ZREVRANGEBYSCORE", "ZREVRANK", "ZSCAN", "ZSCORE"};

static const char *const only[] = {
    "DEL", "EXISTS", "MGET", "PFCOUNT", "SDIFF", "SINTER", "SUNION", "TOUCH", "UNLINK", "WATCH"};

static const char *const keyless[] = {
    "ACL", "ASKING", "AUTH", "BGREWRITEAOF", "BGSAVE", "BITOP", "BLMOVE", "BLMPOP", "BLPOP",
    "BRPOP", "BRPOPLPUSH", "BZMPOP", "BZPOPMAX", "BZPOPMIN", "CLIENT", "CLUSTER", "COMMAND",
    "CONFIG", "COPY", "DBSIZE", "DEBUG", "DISCARD", "ECHO", "EVAL", "EVALSHA", "EVALSHA_RO",
    "EVAL_RO", "EXEC", "FAILOVER", "FCALL", "FCALL_RO", "FLUSHALL", "FLUSHDB", "FUNCTION",
    "GEORADIUS", "GEORADIUSBYMEMBER", "GEOSEARCHSTORE", "HELLO", "INFO", "KEYS", "LASTSAVE",
    "LATENCY", "LCS", "LMOVE", "LMPOP", "LOLWUT", "MEMORY", "MIGRATE", "MODULE", "MONITOR",
    "MSET", "MSETNX", "MULTI", "OBJECT", "PFDEBUG", "PFMERGE", "PFSELFTEST", "PING", "PSUBSCRIBE",
    "PSYNC", "PUBLISH", "PUBSUB", "PUNSUBSCRIBE", "QUIT", "RANDOMKEY", "READONLY", "READWRITE",
    "RENAME", "RENAMENX", "REPLCONF", "REPLICAOF", "RESET", "ROLE", "RPOPLPUSH", "SAVE", "SCAN",
    "SCRIPT", "SDIFFSTORE", "SELECT", "SHUTDOWN", "SINTERCARD", "SINTERSTORE", "SLAVEOF",
    "SLOWLOG", "SMOVE", "SORT", "SORT_RO", "SPUBLISH", "SSUBSCRIBE", "SUBSCRIBE", "SUNIONSTORE",
    "SUNSUBSCRIBE", "SWAPDB", "SYNC", "TIME", "UNSUBSCRIBE", "UNWATCH", "WAIT", "XGROUP", "XINFO",
    "XREAD", "XREADGROUP", "ZDIFF", "ZDIFFSTORE", "ZINTER", "ZINTERCARD", "ZINTERSTORE", "ZMPOP",
    "ZRANGESTORE", "ZUNION", "ZUNIONSTORE"};
/* clang-format on */

static const struct {
    const char *const *names;
    size_t count;
    enum key_place place;
} tables[] = {
    {first, sizeof(first) / sizeof(first[0]), KEY_FIRST},
    {only, sizeof(only) / sizeof(only[0]), KEY_ONLY},
    {keyless, sizeof(keyless) / sizeof(keyless[0]), KEY_NONE},
};
#define TABLE_COUNT (sizeof(tables) / sizeof(tables[0]))

static int compare(const void *wanted, const void *entry)
{
    const struct l7_bytes *name = wanted;
    const char *const *known = entry;
    size_t len = strlen(*known);
    int order = memcmp(name->ptr, *known, name->len < len ? name->len : len);

    return order != 0 ? order : (name->len > len) - (name->len < len);
}

bool command_is_name(struct l7_bytes name)
{
    if (name.len == 0 || name.len > NAME_MAX_LEN)
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] <= ' ' || name.ptr[i] > '~' || name.ptr[i] == '"' || name.ptr[i] == '\'')
            return false;
    return true;
}

struct l7_bytes command_upper(struct l7_bytes name, char *upper)
{
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.ptr[i];
        upper[i] = (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    }
    return (struct l7_bytes){(const uint8_t *)upper, name.len};
}

/* The table that has the name; TABLE_COUNT: none. */
static size_t table_of(struct l7_bytes upper)
{
    size_t i = 0;

    while (i < TABLE_COUNT &&
           !bsearch(&upper, tables[i].names, tables[i].count, sizeof(char *), compare))
        i++;
    return i;
}

enum key_place command_key_place(struct l7_bytes upper)
{
    size_t i = table_of(upper);

    return i < TABLE_COUNT ? tables[i].place : KEY_NONE;
}

bool command_is_known(struct l7_bytes upper)
{
    return table_of(upper) < TABLE_COUNT;
}

bool command_begins(struct l7_bytes upper)
{
    for (size_t i = 0; i < TABLE_COUNT; i++)
        for (size_t k = 0; k < tables[i].count; k++)
            if (strlen(tables[i].names[k]) >= upper.len &&
                memcmp(tables[i].names[k], upper.ptr, upper.len) == 0)
                return true;
    return false;
}
