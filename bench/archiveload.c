/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fills an archive with call records as nodes write them, and asks for pages of history.
 *
 *   archiveload WHERE [--calls 50000] [--pages 500]    one JSON line
 *
 * A carrier's year: 20 tenants of 500 users and 10 groups each, six calls of ten come from outside, three of a hundred are transferred. Each page has
 * a list and two filters at random, among them such as match next to nothing. The slowest of them count.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/archive/archive.h"
#include "base/clock.h"
#include "sig/sip/id.h"

enum { TENANTS = 20, USERS = 500, GROUPS = 10, NUMBERS = 200000, YEAR_S = 31536000, SHARDS = 4 };
#define FROM_UTC_MS UINT64_C(1764547200000) /* 2025-12-01 */
#define STREAM      BYTES_LIT("td:{s1}:cdr")

struct load {
	struct archive *archive;
	struct archive_batch *batch;
	struct id_source ids[SHARDS];
	uint64_t calls, pages, random;
	uint64_t *page_ns;
};

static void die(const char *what, const char *why)
{
	(void)fprintf(stderr, "archiveload: %s: %s\n", what, why);
	exit(1);
}

static void check(struct load *l, const char *what, int err)
{
	if (err)
		die(what, sql_is_connected(archive_sql(l->archive))
				  ? sql_why(archive_sql(l->archive))
				  : "the server has gone");
}

/* xorshift: the same calls each time */
static uint32_t dice(struct load *l, uint32_t sides)
{
	l->random ^= l->random << 13;
	l->random ^= l->random >> 7;
	l->random ^= l->random << 17;
	return (uint32_t)(l->random >> 32) % sides;
}

/* ---- calls ---- */

static const char counters[] =
	"\"a_packets_in\":3141,\"a_octets_in\":540252,\"a_packets_out\":3140,\"a_octets_out\":"
	"540080,\"a_rtcp_in\":12,\"a_rtcp_out\":12,\"a_dropped\":0,"
	"\"a_lost\":3,\"a_jitter_us\":812,\"a_digits\":0,\"a_source_changes\":0,\"b_packets_in\":"
	"3140,\"b_octets_in\":540080,\"b_packets_out\":3141,"
	"\"b_octets_out\":540252,\"b_lost\":0,\"b_jitter_us\":410,\"a_codec\":\"PCMA\",\"a_mos_in_"
	"hundredths\":431,\"a_mos_out_hundredths\":438,"
	"\"b_codec\":\"opus\",\"b_mos_in_hundredths\":429,\"b_mos_out_hundredths\":436";

static void entry_add(struct load *l, uint64_t call, uint32_t leg, const char *json)
{
	struct archive_field fields[] = { { BYTES_LIT("id"), { 0 } },
					  { BYTES_LIT("cdr"), bytes_str(json) } };
	struct archive_entry entry = { ARCHIVE_CDRS, STREAM, BYTES_LIT("default"),
				       { 0 },        fields, COUNT_OF(fields) };
	char id[ID_TEXT_LEN + 4], at[ARCHIVE_ENTRY_ID_MAX];

	id_call_put(id, call);
	id[ID_TEXT_LEN] = '\0';
	if (leg > 1)
		(void)snprintf(id + ID_TEXT_LEN, 4, ".%u", leg);
	(void)snprintf(at, sizeof(at), "%" PRIu64 "-%u", FROM_UTC_MS + l->calls, leg);
	fields[0].value = bytes_str(id);
	entry.id = bytes_str(at);
	if (archive_batch_add(l->batch, &entry))
		die("an entry", "no memory");
}

static void call_make(struct load *l, uint64_t n, uint64_t of)
{
	uint64_t utc_ms = FROM_UTC_MS + (uint64_t)YEAR_S * 1000 * n / of;
	uint64_t call = id_call_next(&l->ids[n % SHARDS], utc_ms);
	uint32_t tenant = dice(l, TENANTS), user = 1000 + dice(l, USERS),
		 other = 1000 + dice(l, USERS);
	uint32_t kind = dice(l, 10), talk_ms = kind % 4 ? 1000 + dice(l, 300000) : 0;
	uint64_t end_ms = utc_ms + 8000 + talk_ms;
	char json[2048], parties[512];

	if (kind < 6)
		(void)snprintf(
			parties, sizeof(parties),
			"\"from\":\"+4989%06u\",\"from_name\":\"Caller "
			"%u\",\"from_trunk\":\"carrier\",\"to\":\"%u\",\"dnis\":\"+49895%u\","
			"\"group\":\"%s%u\",\"flow\":\"main\",\"path\":\"hours,menu:1,ring\"",
			dice(l, NUMBERS), dice(l, 5000), user, user, kind < 2 ? "group" : "",
			kind < 2 ? user % GROUPS : user);
	else
		(void)snprintf(parties, sizeof(parties),
			       "\"from\":\"%u\",\"from_name\":\"User "
			       "%u\",\"to\":\"%u\",\"account_code\":\"%u\"",
			       other, other, user, dice(l, 50));
	(void)snprintf(json, sizeof(json),
		       "{\"tenant\":\"tenant%u\",%s,\"%s\":\"%u\",\"sip_call_id\":\"%08x@example."
		       "org\",\"setup_utc_ms\":%" PRIu64 ",\"ringing_utc_ms\":%" PRIu64
		       ",\"answer_utc_ms\":%" PRIu64 ",\"end_utc_ms\":%" PRIu64
		       ",\"talk_ms\":%u,\"sip_status\":%u,\"q850\":16,\"ended_by\":\"a\",\"cause\":"
		       "\"hung up\",%s}",
		       tenant, parties, talk_ms ? "answered_by" : "missed", user, dice(l, 1u << 30),
		       utc_ms, utc_ms + 2000, talk_ms ? utc_ms + 8000 : 0, end_ms, talk_ms,
		       talk_ms ? 200 : 487, counters);
	entry_add(l, call, 1, json);
	if (talk_ms && !dice(l, 33)) {
		(void)snprintf(json, sizeof(json),
			       "{\"tenant\":\"tenant%u\",%s,\"answered_by\":\"%u\",\"setup_utc_"
			       "ms\":%" PRIu64 ",\"end_utc_ms\":%" PRIu64
			       ",\"talk_ms\":9000,\"sip_status\":200,%s}",
			       tenant, parties, other, end_ms, end_ms + 10000, counters);
		entry_add(l, call, 2, json);
	}
}

static void batch_save(struct load *l)
{
	struct archive_mark from;

	check(l, "mark", archive_mark_get(l->archive, STREAM, &from));
	check(l, "save", archive_save(l->archive, l->batch, STREAM, &from, (int64_t)FROM_UTC_MS));
	archive_batch_clear(l->batch);
}

/* In order of time, as streams are. The figure is of the last tenth, into a full archive. */
static double fill(struct load *l)
{
	uint64_t tenth = l->calls - l->calls / 10, begun_ns = clock_now_ns();

	for (uint64_t n = 0; n < l->calls; n++) {
		if (n == tenth) {
			batch_save(l);
			begun_ns = clock_now_ns();
		}
		call_make(l, n, l->calls);
		if (archive_batch_count(l->batch) + 2 > ARCHIVE_BATCH_MAX)
			batch_save(l);
	}
	if (archive_batch_count(l->batch))
		batch_save(l);
	return (double)(l->calls - tenth) * 1e9 / (double)(clock_now_ns() - begun_ns);
}

/* ---- pages ---- */

struct question {
	struct archive_query q;
	char tenant[32], owners[4][ARCHIVE_OWNER_MAX], word[32], name[32];
};

static void list_choose(struct load *l, struct question *to)
{
	static const char *const heads[] = { "u", "ggroup", "n+4989", "u" };
	const uint32_t most[] = { USERS, GROUPS, NUMBERS, USERS };
	uint32_t kind = dice(l, 5);

	(void)snprintf(to->tenant, sizeof(to->tenant), "tenant%u", dice(l, TENANTS));
	to->q = (struct archive_query){ .tenant = bytes_str(to->tenant),
					.until_ms = INT64_MAX,
					.direction = -1,
					.result = -1,
					.limit = 100 };
	for (uint32_t i = 0; kind < 4 && i < (kind == 3 ? 4 : 1); i++) {
		uint32_t n = dice(l, most[kind]) + (most[kind] == USERS ? 1000 : 0);

		(void)snprintf(to->owners[i], ARCHIVE_OWNER_MAX, "%s%0*u", heads[kind],
			       kind == 2 ? 6 : 1, n);
		to->q.owners[to->q.owner_count++] = bytes_str(to->owners[i]);
	}
}

static void filter_choose(struct load *l, struct question *to)
{
	struct archive_query *q = &to->q;

	switch (dice(l, 9)) {
	case 0:
		q->flags |= ARCHIVE_MISSED;
		break;
	case 1:
		q->direction = (int)dice(l, 3);
		break;
	case 2:
		q->result = (int)dice(l, ARCHIVE_RESULT_COUNT);
		break;
	case 3: /* nobody has it */
		q->text = BYTES_LIT("nowhere");
		break;
	case 4:
		(void)snprintf(to->word, sizeof(to->word), "CALLER %u", dice(l, 5000));
		q->text = bytes_str(to->word);
		break;
	case 5:
		(void)snprintf(to->name, sizeof(to->name), "%u", 1000 + dice(l, USERS));
		q->answered_by = bytes_str(to->name);
		break;
	case 6:
		q->since_ms = (int64_t)(FROM_UTC_MS + (uint64_t)dice(l, YEAR_S) * 1000);
		q->until_ms = q->since_ms + INT64_C(1000) * dice(l, YEAR_S / 4);
		break;
	case 7:
		q->account = BYTES_LIT("7");
		break;
	default:
		break;
	}
}

/* The first page, and the one behind it. */
static uint64_t page_ask(struct load *l, struct question *to, uint64_t n)
{
	json_t *rows, *cursor = NULL, *last = NULL;
	uint64_t begun_ns;

	for (int page = 0; page < 2 && n < l->pages; page++) {
		to->q.cursor = bytes_str(json_string_value(last));
		begun_ns = clock_now_ns();
		check(l, "page", archive_history(l->archive, &to->q, &rows, &cursor));
		l->page_ns[n++] = clock_now_ns() - begun_ns;
		json_decref(rows);
		json_decref(last);
		last = cursor;
		if (json_is_null(last))
			break;
	}
	json_decref(last);
	return n;
}

static int ns_order(const void *one, const void *other)
{
	uint64_t a, b;

	memcpy(&a, one, sizeof(a));
	memcpy(&b, other, sizeof(b));
	return (a > b) - (a < b);
}

static void pages_ask(struct load *l)
{
	for (uint64_t n = 0; n < l->pages;) {
		struct question to = { 0 };

		list_choose(l, &to);
		filter_choose(l, &to);
		filter_choose(l, &to);
		n = page_ask(l, &to, n);
	}
	qsort(l->page_ns, l->pages, sizeof(*l->page_ns), ns_order);
}

/* ---- what users and operators do ---- */

static double lists_change(struct load *l)
{
	struct bytes tenant = BYTES_LIT("tenant1"), owner = BYTES_LIT("u1001");
	uint64_t begun_ns = clock_now_ns(), call = id_call_next(&l->ids[0], FROM_UTC_MS);
	json_t *legs;

	check(l, "hide", archive_hide(l->archive, tenant, owner, &call, 1, (int64_t)FROM_UTC_MS));
	check(l, "note",
	      archive_note(l->archive, tenant, owner, call, BYTES_LIT("x"), (int64_t)FROM_UTC_MS));
	check(l, "clear", archive_clear(l->archive, tenant, owner, (int64_t)FROM_UTC_MS));
	check(l, "legs", archive_legs(l->archive, tenant, call, &legs));
	json_decref(legs);
	return (double)(clock_now_ns() - begun_ns) / 1e6;
}

static double person_erase(struct load *l)
{
	uint64_t begun_ns = clock_now_ns();
	bool more = true;

	while (more)
		check(l, "erase",
		      archive_erase(l->archive, BYTES_LIT("tenant2"), BYTES_LIT("1002"),
				    INT64_MAX - 1, &more));
	return (double)(clock_now_ns() - begun_ns) / 1e6;
}

static double month_retain(struct load *l)
{
	uint64_t begun_ns = clock_now_ns();
	bool more = true;

	while (more)
		check(l, "retain",
		      archive_retain(l->archive, BYTES_LIT("tenant3"),
				     (int64_t)(FROM_UTC_MS + UINT64_C(2678400000)), &more));
	return (double)(clock_now_ns() - begun_ns) / 1e6;
}

static double ms_of(const struct load *l, uint64_t share)
{
	return (double)l->page_ns[(l->pages - 1) * share / 1000] / 1e6;
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "calls", 1, NULL, 'c' },
						 { "pages", 1, NULL, 'p' },
						 { NULL, 0, NULL, 0 } };
	struct load l = { .calls = 50000, .pages = 500, .random = 88172645463325252 };
	char why[SQL_WHY_MAX];
	double ingest;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		uint64_t *to = c == 'c' ? &l.calls : c == 'p' ? &l.pages : NULL;

		if (!to || bytes_u64(bytes_str(optarg), to) || !*to)
			die("usage", "archiveload WHERE [--calls N] [--pages N]");
	}
	for (uint16_t i = 0; i < SHARDS; i++)
		l.ids[i].shard = i;
	l.batch = archive_batch_new();
	l.page_ns = calloc(l.pages, sizeof(*l.page_ns));
	if (optind + 1 != argc || !l.batch || !l.page_ns)
		die("usage", "archiveload WHERE [--calls N] [--pages N]");
	if (archive_open(&l.archive, argv[optind], why))
		die(argv[optind], why);
	ingest = fill(&l);
	pages_ask(&l);
	printf("{\"ingest_per_s\": %.0f, \"page_p50_ms\": %.2f, \"page_p99_ms\": %.2f, "
	       "\"page_max_ms\": %.2f, \"change_ms\": %.2f, \"erase_ms\": %.0f, "
	       "\"retain_ms\": %.0f}\n",
	       ingest, ms_of(&l, 500), ms_of(&l, 990), ms_of(&l, 1000), lists_change(&l),
	       person_erase(&l), month_retain(&l));
	archive_batch_free(l.batch);
	archive_close(l.archive);
	free(l.page_ns);
	return 0;
}
