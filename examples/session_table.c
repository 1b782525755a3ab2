/* SPDX-License-Identifier: MIT */
/*
 * session_table FILE [BUG]: the session table of a server, on a hardened slab.
 *
 * Replays a log of what clients did. A line is
 *
 *     TIME SESSION USER@ADDRESS login AGENT
 *     TIME SESSION USER@ADDRESS get PATH BYTES
 *     TIME SESSION USER@ADDRESS logout
 *
 * and what is not is counted and left out. Sessions that were idle for half an hour end. With the
 * name of a bug the server has that bug, and ends with ward's report of it:
 *
 *     overflow           copies what the client says it is without looking at the length
 *     double-free        ends a session at its logout, and again when it expires
 *     write-after-free   a request that took its time is entered into a session that is over
 *     interior-free      frees a field of a session
 *     stale              a timer ends the session it was set for, which was over long ago
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ward/ward.h>

enum { SESSIONS_MAX = 256, IDLE_SECONDS = 1800, LINE_MAX_BYTES = 512 };

struct session {
    uint32_t id;
    uint32_t since, seen; /* seconds of the day */
    uint32_t requests;
    uint64_t bytes;
    char who[32];   /* user@address */
    char agent[48]; /* as the client says */
};

WARD_SLAB_DEFINE(sessions, struct session, WARD_HARDENED | WARD_GENERATION);

struct server {
    struct sessions pool;
    struct session *open[SESSIONS_MAX]; /* [0, count) */
    unsigned count, peak;
    unsigned lines, logins, logouts, expired, skipped;
    uint64_t bytes;
    const char *bug; /* that this server has; "" for none */
    bool had_bug;
};

/* A line of the log, taken apart. */
struct event {
    uint32_t time, id;
    char who[32];
    char what[16];
    char rest[LINE_MAX_BYTES];
};

static bool has(const struct server *server, const char *bug)
{
    return strcmp(server->bug, bug) == 0;
}

/* --- the table -------------------------------------------------------------------------------- */

static unsigned find(const struct server *server, uint32_t id)
{
    unsigned i = 0;

    while (i < server->count && server->open[i]->id != id)
        i++;
    return i;
}

static void forget(struct server *server, unsigned i)
{
    server->open[i] = server->open[--server->count];
}

static void end_session(struct server *server, unsigned i)
{
    struct session *session = server->open[i];

    server->bytes += session->bytes;
    forget(server, i);
    sessions_free(&server->pool, session);
}

static void expire(struct server *server, uint32_t now)
{
    for (unsigned i = server->count; i-- > 0;) {
        if (now - server->open[i]->seen < IDLE_SECONDS)
            continue;
        end_session(server, i);
        server->expired++;
    }
}

static void set_agent(struct server *server, struct session *session, const char *agent)
{
    if (!has(server, "overflow"))
        (void)snprintf(session->agent, sizeof session->agent, "%s", agent);
    else
        memcpy(session->agent, agent, strlen(agent) + 1);
}

/* --- what clients do -------------------------------------------------------------------------- */

static bool login(struct server *server, const struct event *event)
{
    struct session *session;

    expire(server, event->time);
    if (server->count == SESSIONS_MAX || find(server, event->id) < server->count)
        return false;
    session = sessions_alloc(&server->pool);
    if (!session)
        return false;
    session->id = event->id; /* all else is zero */
    session->since = session->seen = event->time;
    (void)snprintf(session->who, sizeof session->who, "%s", event->who);
    set_agent(server, session, event->rest);
    server->open[server->count++] = session;
    server->logins++;
    if (server->count > server->peak)
        server->peak = server->count;
    return true;
}

static bool get(struct server *server, const struct event *event)
{
    unsigned i = find(server, event->id);
    unsigned long bytes;

    if (i == server->count || sscanf(event->rest, "%*s %lu", &bytes) != 1)
        return false;
    server->open[i]->seen = event->time;
    server->open[i]->requests++;
    server->open[i]->bytes += bytes;
    return true;
}

static bool logout(struct server *server, const struct event *event)
{
    unsigned i = find(server, event->id);

    if (i == server->count)
        return false;
    if (has(server, "double-free") && !server->had_bug) {
        server->had_bug = true;
        sessions_free(&server->pool, server->open[i]); /* and still in the table */
        return true;
    }
    end_session(server, i);
    server->logouts++;
    return true;
}

/* --- the bugs that take a while --------------------------------------------------------------- */

/* As many clients as the table holds. */
static void rush(struct server *server)
{
    while (sessions_alloc(&server->pool))
        continue;
}

static void write_after_free(struct server *server)
{
    struct session *session = server->open[0];

    end_session(server, 0);
    session->requests++;
    rush(server);
}

static void stale(struct server *server)
{
    ward_handle timer = ward_slab_handle(&server->pool.slab, server->open[0]);

    end_session(server, 0);
    rush(server);
    ward_slab_free_handle(&server->pool.slab, timer);
}

static void late_bug(struct server *server)
{
    if (server->count == 0)
        return;
    if (has(server, "write-after-free"))
        write_after_free(server);
    else if (has(server, "interior-free"))
        sessions_free(&server->pool, (struct session *)(void *)server->open[0]->who);
    else if (has(server, "stale"))
        stale(server);
}

/* --- the log ---------------------------------------------------------------------------------- */

static bool parse(const char *line, struct event *event)
{
    unsigned hours, minutes, seconds;
    int end = 0;

    if (sscanf(line, "%2u:%2u:%2u %x %31s %15s%n", &hours, &minutes, &seconds, &event->id,
               event->who, event->what, &end) != 6)
        return false;
    event->time = hours * 3600 + minutes * 60 + seconds;
    line += end;
    line += strspn(line, " \t");
    (void)snprintf(event->rest, sizeof event->rest, "%.*s", (int)strcspn(line, "\n"), line);
    return true;
}

static bool serve(struct server *server, const struct event *event)
{
    if (strcmp(event->what, "login") == 0)
        return login(server, event);
    if (strcmp(event->what, "get") == 0)
        return get(server, event);
    return strcmp(event->what, "logout") == 0 && logout(server, event);
}

static void replay(struct server *server, FILE *log)
{
    char line[LINE_MAX_BYTES];
    struct event event;

    while (fgets(line, sizeof line, log)) {
        server->lines++;
        if (!parse(line, &event) || !serve(server, &event))
            server->skipped++;
    }
    late_bug(server);
    while (server->count > 0) /* closing time */
        end_session(server, server->count - 1);
}

static void print(const struct server *server)
{
    struct ward_slab_info info;

    ward_slab_info_get(&server->pool.slab, &info);
    printf("%u lines: %u logins, %u logouts, %u expired, %u skipped\n", server->lines,
           server->logins, server->logouts, server->expired, server->skipped);
    printf("%u sessions at the peak, %llu bytes served\n", server->peak,
           (unsigned long long)server->bytes);
    printf("table: %u slots of %zu bytes, %u of them wait in quarantine; %s\n", info.capacity,
           info.stride, info.quarantined,
           ward_slab_verify(&server->pool.slab) ? "all is well" : "something is damaged");
}

static bool is_bug(const char *name)
{
    static const char *const bugs[] = { "overflow", "double-free", "write-after-free",
                                        "interior-free", "stale" };

    for (size_t i = 0; i < sizeof bugs / sizeof bugs[0]; i++)
        if (strcmp(name, bugs[i]) == 0)
            return true;
    return false;
}

int main(int argc, char **argv)
{
    static struct server server;
    FILE *log;

    server.bug = argc > 2 ? argv[2] : "";
    if (argc < 2 || argc > 3 || (argc > 2 && !is_bug(server.bug))) {
        fprintf(stderr,
                "usage: %s FILE [overflow|double-free|write-after-free|interior-free|stale]\n",
                argv[0]);
        return 2;
    }
    log = fopen(argv[1], "r");
    if (!log) {
        perror(argv[1]);
        return 1;
    }
    if (sessions_map(&server.pool, SESSIONS_MAX)) {
        fprintf(stderr, "%s: no memory for the session table\n", argv[0]);
        return 1;
    }
    replay(&server, log);
    (void)fclose(log);
    print(&server);
    return sessions_fini(&server.pool) ? 1 : 0;
}
