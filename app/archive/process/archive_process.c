/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program tandem-archive (archive_process.h): its link to the node, its database, which is
 * opened again after each failure, and requests. The reader has the rest.
 */

#include "app/archive/process/archive_process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "app/archive/archive_request.h"
#include "base/clock.h"
#include "base/json_member.h"
#include "base/log.h"
#include "base/loop.h"

enum {
	NICE = 10,
	FDS_MAX = 256,
	FIGURES_MS = 1000,
	AGAIN_MS = 3000,
	PART_MS = 100,
	RETAIN_MS = 600000
};
#define DAY_MS INT64_C(86400000)

static struct archive_process g_process;

/* ---- the database ---- */

static void process_trouble(struct archive_process *p, const char *why)
{
	if (why[0] && strcmp(why, p->trouble) != 0)
		LOG_ERROR("archive", 0, "the database of the archive does not take what comes",
			  LOG_STR("error", why));
	else if (!why[0] && p->trouble[0])
		LOG_INFO("archive", 0, "the database of the archive takes what comes again");
	(void)snprintf(p->trouble, sizeof(p->trouble), "%s", why);
}

void archive_process_failed(struct archive_process *p, const char *why)
{
	process_trouble(p, why && why[0] ? why : "the database does not answer");
	archive_close(p->archive);
	p->archive = NULL;
	p->again_ns = clock_now_ns() + AGAIN_MS * NS_PER_MS;
	archive_reader_forget(p);
	archive_spool_again(p);
}

static void archived_open(struct archive_process *p, uint64_t now_ns)
{
	char why[SQL_WHY_MAX] = "";

	if (p->archive || !p->database || now_ns < p->again_ns)
		return;
	if (archive_open(&p->archive, p->database, why))
		archive_process_failed(p, why);
	else
		process_trouble(p, "");
}

static void process_terms(struct archive_process *p, const json_t *terms)
{
	const char *database = json_text(terms, "database"), *folder = json_text(terms, "folder");
	bool other = !p->database || strcmp(database, p->database) != 0;

	(void)mkdir(folder, 0700); /* for the node's user alone */
	if (!p->finds)
		archive_spool_open(p, folder);
	p->stream_max = json_count(terms, "stream_max");
	p->reads = json_flag(terms, "reads");
	json_decref(p->days);
	p->days = json_deep_copy(json_object_get(terms, "days"));
	p->days_at = 0;
	p->retain_ns = 0;
	archive_reader_set(p, json_object_get(terms, "streams"));
	if (!other)
		return;
	if (p->database)
		explicit_bzero(p->database, strlen(p->database));
	free(p->database);
	p->database = malloc(strlen(database) + 1);
	if (p->database)
		memcpy(p->database, database, strlen(database) + 1);
	archive_close(p->archive);
	p->archive = NULL;
	p->again_ns = 0;
	archive_reader_forget(p);
}

/* ---- retention ---- */

/* A part of what one tenant keeps no longer; when the next one is due. */
static void archived_retain(struct archive_process *p, uint64_t now_ns)
{
	const char *tenant;
	json_t *days;
	size_t at = 0;
	bool more = false;
	int64_t before_ms;

	if (p->archive && p->archive->erases)
		p->days_at = p->retain_ns = 0;
	if (!p->archive || !p->reads || now_ns < p->retain_ns)
		return;
	p->retain_ns = now_ns + PART_MS * NS_PER_MS;
	if (!p->days_at &&
	    (archive_erase_tenants(p->archive, &more) ||
	     archive_retain_security(p->archive, (int64_t)clock_utc_ms(), ARCHIVE_SECURITY_MAX)))
		archive_process_failed(p, sql_why(archive_sql(p->archive)));
	if (more || !p->archive)
		return;
	json_object_foreach(p->days, tenant, days)
	{
		if (at++ != p->days_at)
			continue;
		before_ms = (int64_t)clock_utc_ms() - json_integer_value(days) * DAY_MS;
		if (archive_retain(p->archive, bytes_str(tenant), before_ms, &more))
			archive_process_failed(p, sql_why(archive_sql(p->archive)));
		p->days_at += !more;
		return;
	}
	p->days_at = 0;
	p->retain_ns = now_ns + RETAIN_MS * NS_PER_MS;
}

/* ---- requests ---- */

static json_t *process_answer(struct archive_process *p, const char *kind, const json_t *args)
{
	const struct archive_request *r = archive_request_find(kind);
	json_t *answer;

	archived_open(p, clock_now_ns());
	if (!r)
		return json_pack("{s:s}", "failed", "the archive knows no such request");
	if (!p->archive)
		return json_pack("{s:s}", "failed", "the database of the archive does not answer");
	answer = archive_request_answer(p->archive, r, args);
	if (json_object_get(answer, "failed"))
		archive_process_failed(p, sql_why(archive_sql(p->archive)));
	return answer;
}

static void process_request(struct archive_process *p, json_int_t ask, const json_t *line)
{
	json_t *answer = process_answer(p, json_text(line, "kind"), json_object_get(line, "args"));
	json_t *failed = json_object_get(answer, "failed");

	if (answer && !failed)
		child_peer_send(&p->link, json_pack("{s:I, s:O}", "answer", ask, "result", answer));
	else
		child_peer_send(&p->link,
				json_pack("{s:I, s:s}", "answer", ask, "failed",
					  failed ? json_string_value(failed) : "out of memory"));
	json_decref(answer);
}

/* ---- the link ---- */

static void process_on_line(const json_t *line, void *arg)
{
	struct archive_process *p = arg;
	const json_t *begin = json_object_get(line, "begin");
	const json_t *terms = json_object_get(line, "terms");
	json_int_t ask = json_integer_value(json_object_get(line, "ask"));

	if (begin && !p->redis && archive_reader_open(p, begin))
		LOG_ERROR("archive", 0, "no link to Redis can be made: nothing is archived");
	else if (terms)
		process_terms(p, terms);
	else if (ask)
		process_request(p, ask, line);
}

static void process_on_link(int fd, unsigned events, void *arg)
{
	struct archive_process *p = arg;

	(void)fd;
	(void)events;
	if (!child_peer_read(&p->link, process_on_line, p))
		loop_stop();
}

static void process_say_figures(struct archive_process *p, uint64_t now_ns)
{
	if (now_ns < p->figures_ns)
		return;
	if (p->archive && !sql_is_connected(archive_sql(p->archive)))
		archive_process_failed(p, "its file, or its connection, is gone");
	p->figures_ns = now_ns + FIGURES_MS * NS_PER_MS;
	if (p->finds && p->archive && sql_plan_anew(archive_sql(p->archive)))
		archive_process_failed(p, sql_why(archive_sql(p->archive)));
	if (p->finds)
		return;
	child_peer_send(&p->link, json_pack("{s:{s:I, s:I, s:I, s:I, s:s}}", "figures", "saved",
					    (json_int_t)p->saved, "spooled", (json_int_t)p->spooled,
					    "lag_ms", (json_int_t)p->lag_ms, "aside",
					    (json_int_t)archive_spool_aside(p), "trouble",
					    p->spool.full[0] ? p->spool.full : p->trouble));
	p->saved = p->spooled = p->lag_ms = 0;
}

/* The round behind it does all. */
static void process_on_timer(void *arg)
{
	(void)arg;
}

static void archived_round(void *arg)
{
	struct archive_process *p = arg;
	uint64_t now_ns = clock_now_ns(), next_ns;

	if (!p->redis && !p->finds)
		return;
	archived_open(p, now_ns);
	archive_spool_round(p, now_ns);
	if (p->archive && p->spool.replays && !p->spool.asked)
		archive_spool_replay(p);
	archived_retain(p, now_ns);
	process_say_figures(p, now_ns);
	next_ns = archive_reader_round(p, now_ns);
	if (p->figures_ns < next_ns)
		next_ns = p->figures_ns;
	if (p->archive && p->reads && p->retain_ns < next_ns)
		next_ns = p->retain_ns;
	if (p->spool.replays && p->archive && !p->spool.asked)
		next_ns = now_ns;
	else if (!p->archive && p->spool.next_ns > now_ns && p->spool.next_ns < next_ns)
		next_ns = p->spool.next_ns;
	(void)!loop_timer(next_ns, process_on_timer, p);
}

static int archived_run(bool finds)
{
	struct archive_process *p = &g_process;
	int err;

	p->finds = finds;
	(void)signal(SIGTERM, SIG_IGN); /* it ends with its link */
	p->link.fd = CHILD_LINK;
	p->batch = archive_batch_new();
	if (!p->batch || loop_open(FDS_MAX))
		return 1;
	loop_after_round(archived_round, p);
	err = loop_watch(CHILD_LINK, LOOP_READ, process_on_link, p);
	if (!err)
		err = loop_run();
	archive_reader_close(p);
	archive_spool_close(p);
	archive_close(p->archive);
	archive_batch_free(p->batch);
	free(p->database);
	json_decref(p->days);
	child_peer_close(&p->link);
	return err ? 1 : 0;
}

int main(int argc, char **argv)
{
	int status = child_main_start(argc, argv, "tandem-archive", "find",
				      "the node starts it with archive.enabled");

	if (status >= 0)
		return status;
	if (argc == 1) /* calls have priority; the role find answers calls */
		(void)setpriority(PRIO_PROCESS, 0, NICE);
	return archived_run(argc > 1);
}
