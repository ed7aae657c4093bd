/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fills an archive with contacts, and asks whose numbers call, 500 times a second.
 *
 *   contactload WHERE [--contacts 50000] [--lookups 2000]    one JSON line
 *
 * 20 tenants with 100 books each and a directory. Of ten callers six are contacts, in one of ten spellings. A look-up is timed from when it was due,
 * so one that waits for another counts as a call waits. The search is the first one behind the import, without statistics.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "app/archive/archive.h"
#include "app/archive/contact/contact.h"
#include "base/clock.h"

enum { TENANTS = 20, BOOKS = 100, COLUMNS = 15, EACH_NS = 2000000, A_SECOND = 500 };

struct load {
	struct archive *archive;
	uint64_t contacts, lookups, random;
	uint64_t *ns, *own_ns; /* from when each was due; from when it was asked */
};

static void die(const char *what, const char *why)
{
	(void)fprintf(stderr, "contactload: %s: %s\n", what, why);
	exit(1);
}

static void check(struct load *l, const char *what, int err)
{
	if (err)
		die(what, sql_why(archive_sql(l->archive)));
}

/* xorshift: the same each time */
static uint32_t dice(struct load *l, uint32_t sides)
{
	l->random ^= l->random << 13;
	l->random ^= l->random >> 7;
	l->random ^= l->random << 17;
	return (uint32_t)(l->random >> 32) % sides;
}

/* Where contact n is: each hundredth is of a directory. */
struct place {
	char tenant[16], owner[16], id[16], normal[24];
};

static void place_of(uint64_t n, struct place *out)
{
	(void)snprintf(out->tenant, sizeof(out->tenant), "tenant%u", (unsigned)(n % TENANTS));
	if (n / TENANTS % BOOKS)
		(void)snprintf(out->owner, sizeof(out->owner), "u%u",
			       (unsigned)(1000 + n / TENANTS % BOOKS));
	else
		(void)snprintf(out->owner, sizeof(out->owner), "d");
	(void)snprintf(out->id, sizeof(out->id), "c%" PRIu64, n);
	(void)snprintf(out->normal, sizeof(out->normal), "+49891%07" PRIu64, n);
}

static void contact_row(struct load *l, uint64_t n)
{
	struct place p;
	char name[48], words[128], card[192];

	place_of(n, &p);
	(void)snprintf(name, sizeof(name), "Person %" PRIu64 " Miller", n);
	(void)snprintf(words, sizeof(words), "person %" PRIu64 " miller\nacme %u\n%s", n,
		       (unsigned)(n % 977), p.normal);
	(void)snprintf(card, sizeof(card),
		       "{\"name\":\"%s\",\"company\":\"ACME %u\",\"phones\":[{\"number\":\"%s\"}]}",
		       name, (unsigned)(n % 977), p.normal);
	const struct sql_value row[] = {
		sql_text(bytes_str(p.tenant)),
		sql_text(bytes_str(p.owner)),
		sql_text(bytes_str(p.id)),
		sql_number(1),
		sql_number(1),
		sql_number(0),
		sql_text(bytes_str(name)),
		sql_text(bytes_str(name)),
		sql_text(bytes_str(p.normal)),
		sql_text(BYTES_LIT("ACME")),
		sql_text(bytes_str(words)),
		sql_text(bytes_str(card)),
		sql_text(BYTES_LIT("")),
		sql_text(BYTES_LIT("")),
		sql_number(0),
	};

	check(l, "a contact", sql_copy_row(archive_sql(l->archive), row));
}

static void number_row(struct load *l, uint64_t n)
{
	struct place p;

	place_of(n, &p);
	const struct sql_value row[] = { sql_text(bytes_str(p.tenant)),
					 sql_text(bytes_str(p.normal)),
					 sql_text(bytes_str(p.owner)), sql_text(bytes_str(p.id)) };

	check(l, "a number", sql_copy_row(archive_sql(l->archive), row));
}

static double fill(struct load *l)
{
	struct sql *sql = archive_sql(l->archive);
	uint64_t begun_ns = clock_now_ns();

	check(l, "begin", sql_begin(sql));
	check(l, "copy", sql_copy_begin(sql, "contact", COLUMNS));
	for (uint64_t n = 0; n < l->contacts; n++)
		contact_row(l, n);
	check(l, "copy", sql_copy_end(sql));
	check(l, "copy", sql_copy_begin(sql, "contact_number", 4));
	for (uint64_t n = 0; n < l->contacts; n++)
		number_row(l, n);
	check(l, "copy", sql_copy_end(sql));
	check(l, "commit", sql_commit(sql));
	return (double)l->contacts * 1e9 / (double)(clock_now_ns() - begun_ns);
}

/* ---- questions ---- */

static json_t *plan_json(const char *tenant, const char *owner)
{
	return json_pack("{s:s, s:s, s:{s:s, s:s, s:i, s:s, s:s, s:s}}", "tenant", tenant, "owner",
			 owner, "plan", "country", "49", "area", "89", "area_digits", 0,
			 "national_prefix", "0", "international_prefix", "00", "access", "0");
}

static void spelled(struct load *l, const struct place *p, char out[32])
{
	static const char *const heads[] = { "+49",     "0049", "0",   "00",     "+49 ",
					     "tel:+49", "0-",   "(0)", "+(49) ", "0 " };

	(void)snprintf(out, 32, "%s%s", heads[dice(l, 10)], p->normal + 3);
}

static void lookup(struct load *l, uint64_t due_ns, uint64_t i)
{
	bool known = dice(l, 10) < 6;
	uint64_t n = dice(l, (uint32_t)l->contacts);
	struct place p;
	char number[32], why[SQL_WHY_MAX];
	json_t *args, *rows = NULL;
	uint64_t begun_ns;

	place_of(known ? n : n + l->contacts, &p);
	spelled(l, &p, number);
	args = plan_json(p.tenant, p.owner);
	(void)json_object_set_new(args, "number", json_string(number));
	begun_ns = clock_now_ns();
	check(l, "a look-up", contact_find(l->archive, args, &rows, why));
	l->own_ns[i] = clock_now_ns() - begun_ns;
	l->ns[i] = clock_now_ns() - due_ns;
	if (known && number[0] == '+' && !json_array_size(rows))
		die("a look-up", "nobody has a number that somebody has");
	json_decref(rows);
	json_decref(args);
}

static int ns_order(const void *one, const void *other)
{
	const uint64_t *a = one, *b = other;

	return (*a > *b) - (*a < *b);
}

static void lookups(struct load *l)
{
	uint64_t begun_ns = clock_now_ns();

	for (uint64_t i = 0; i < l->lookups; i++) {
		uint64_t due_ns = begun_ns + i * EACH_NS, now_ns = clock_now_ns();
		struct timespec ts = { .tv_nsec = (long)(due_ns > now_ns ? due_ns - now_ns : 0) };

		(void)nanosleep(&ts, NULL);
		if (i % A_SECOND == 0) /* as tandem-archive find does */
			check(l, "plans", sql_plan_anew(archive_sql(l->archive)));
		lookup(l, due_ns, i);
	}
	qsort(l->ns, l->lookups, sizeof(*l->ns), ns_order);
	qsort(l->own_ns, l->lookups, sizeof(*l->own_ns), ns_order);
}

static double search(struct load *l)
{
	uint64_t begun_ns = clock_now_ns();
	json_t *args = plan_json("tenant1", "u1001"), *rows = NULL;
	char why[SQL_WHY_MAX];

	(void)json_object_set_new(args, "search", json_string("ller"));
	(void)json_object_set_new(args, "limit", json_integer(100));
	(void)json_object_set_new(args, "order", json_string(""));
	check(l, "a search", contact_list(l->archive, args, &rows, why));
	json_decref(rows);
	json_decref(args);
	return (double)(clock_now_ns() - begun_ns) / 1e6;
}

static double share_ms(const uint64_t *ns, uint64_t count, uint64_t share)
{
	return (double)ns[(count - 1) * share / 100] / 1e6;
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "contacts", 1, NULL, 'c' },
						 { "lookups", 1, NULL, 'l' },
						 { NULL, 0, NULL, 0 } };
	struct load l = { .contacts = 50000, .lookups = 2000, .random = 88172645463325252 };
	double filled, first, again;
	char why[SQL_WHY_MAX];
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		uint64_t *to = c == 'c' ? &l.contacts : c == 'l' ? &l.lookups : NULL;

		if (!to || bytes_u64(bytes_str(optarg), to) || !*to)
			die("usage", "contactload WHERE [--contacts N] [--lookups N]");
	}
	l.ns = calloc(l.lookups, sizeof(*l.ns));
	l.own_ns = calloc(l.lookups, sizeof(*l.own_ns));
	if (optind + 1 != argc || !l.ns || !l.own_ns)
		die("usage", "contactload WHERE [--contacts N] [--lookups N]");
	if (archive_open(&l.archive, argv[optind], why))
		die(argv[optind], why);
	filled = fill(&l);
	first = search(&l);
	again = search(&l);
	lookups(&l);
	(void)printf("{\"contacts_per_s\": %.0f, \"search_first_ms\": %.2f, \"search_ms\": %.2f, "
		     "\"lookup_p50_ms\": %.2f, \"lookup_p99_ms\": %.2f, \"lookup_own_p50_ms\": "
		     "%.2f, \"lookup_own_p99_ms\": %.2f}\n",
		     filled, first, again, share_ms(l.ns, l.lookups, 50),
		     share_ms(l.ns, l.lookups, 99), share_ms(l.own_ns, l.lookups, 50),
		     share_ms(l.own_ns, l.lookups, 99));
	archive_close(l.archive);
	free(l.ns);
	free(l.own_ns);
	return 0;
}
