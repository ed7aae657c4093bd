/* SPDX-License-Identifier: Apache-2.0 */
/* The DNS cache of a node (dns.h): record sets by name and type for as long as their TTL, clamped
 * to bounds, with negative answers and timeouts. A hash table of fixed capacity under a secret key,
 * in order of use, so queried names can neither grow it nor force collisions. Also the validation
 * and comparison of host names. */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "sig/lookup/dns.h"

/* Names, and what is called how. */

enum { LABEL_MAX = 63 };

static bool dns_name_char(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static bool label_is_good(struct bytes label)
{
	for (size_t i = 0; i < label.n; i++) {
		if (!dns_name_char(lower(label.p[i])))
			return false;
	}
	return label.n > 0 && label.n <= LABEL_MAX;
}

int dns_name_from(struct dns_name *out, struct bytes text)
{
	struct bytes rest = text, label;

	if (text.n && text.p[text.n - 1] == '.')
		rest.n--;
	if (!rest.n || rest.n >= DNS_NAME_CAP || rest.p[rest.n - 1] == '.')
		return -EINVAL;
	text = rest;
	while (bytes_cut(&rest, '.', &label)) {
		if (!label_is_good(label))
			return -EINVAL;
	}
	for (size_t i = 0; i < text.n; i++)
		out->text[i] = (char)lower(text.p[i]);
	out->text[text.n] = '\0';
	return 0;
}

bool dns_name_eq(const struct dns_name *a, const struct dns_name *b)
{
	return strcmp(a->text, b->text) == 0;
}

const char *dns_type_name(enum dns_type type)
{
	switch (type) {
	case DNS_A:
		return "A";
	case DNS_CNAME:
		return "CNAME";
	case DNS_SOA:
		return "SOA";
	case DNS_AAAA:
		return "AAAA";
	case DNS_SRV:
		return "SRV";
	case DNS_NAPTR:
		return "NAPTR";
	}
	return "other";
}

struct dns_entry {
	struct dns_question question;
	uint64_t hash, expires_ns;
	uint32_t newer, older; /* indexes; 0: the end */
	enum dns_result result;
	struct dns_name alias;
	uint32_t count;
	struct dns_record *records; /* owned */
};

int dns_cache_open(struct dns_cache *c, uint32_t capacity, const struct hash_key *key)
{
	int err;

	assert(capacity);
	*c = (struct dns_cache){ .capacity = capacity, .key = *key };
	c->entries = calloc(capacity + 1, sizeof(*c->entries));
	err = c->entries ? table_open(&c->by_question, capacity) : -ENOMEM;
	if (err)
		free(c->entries);
	return err;
}

static void dns_entry_clear(struct dns_entry *e)
{
	free(e->records);
	e->records = NULL;
	e->count = 0;
}

void dns_cache_close(struct dns_cache *c)
{
	for (uint32_t i = 1; i <= c->count; i++)
		dns_entry_clear(&c->entries[i]);
	free(c->entries);
	table_close(&c->by_question);
	*c = (struct dns_cache){ 0 };
}

static uint64_t question_hash(const struct dns_cache *c, const struct dns_question *q)
{
	uint8_t space[DNS_NAME_CAP + 2];
	struct writer w = writer_over(space, sizeof(space));

	writer_be16(&w, (uint16_t)q->type);
	writer_str(&w, q->name.text);
	return hash_sip(&c->key, writer_done(&w));
}

static uint32_t dns_entry_place(const struct dns_cache *c, const struct dns_entry *e)
{
	return (uint32_t)(e - c->entries);
}

static struct dns_entry *dns_entry_find(const struct dns_cache *c, const struct dns_question *q,
					uint64_t hash)
{
	uint32_t cursor = 0;
	uint64_t place;

	while ((place = table_next(&c->by_question, hash, &cursor)) != 0) {
		struct dns_entry *e = &c->entries[place];

		if (e->question.type == q->type && dns_name_eq(&e->question.name, &q->name))
			return e;
	}
	return NULL;
}

static void dns_entry_unlink(struct dns_cache *c, struct dns_entry *e)
{
	c->entries[e->newer].older = e->older;
	c->entries[e->older].newer = e->newer;
}

static void dns_entry_link(struct dns_cache *c, struct dns_entry *e)
{
	struct dns_entry *ends = &c->entries[0];

	e->newer = 0;
	e->older = ends->older;
	c->entries[ends->older].newer = dns_entry_place(c, e);
	ends->older = dns_entry_place(c, e);
}

bool dns_cache_find(struct dns_cache *c, const struct dns_question *question, uint64_t now_ns,
		    struct dns_set *out)
{
	struct dns_entry *e = dns_entry_find(c, question, question_hash(c, question));

	if (!e || e->expires_ns <= now_ns)
		return false;
	dns_entry_unlink(c, e);
	dns_entry_link(c, e);
	*out = (struct dns_set){
		.result = e->result,
		.alias = &e->alias,
		.count = e->count,
		.records = e->records,
	};
	return true;
}

static uint32_t clamp_s(uint32_t ttl_s, uint32_t max_s)
{
	if (ttl_s < DNS_TTL_MIN_S)
		return DNS_TTL_MIN_S;
	return ttl_s > max_s ? max_s : ttl_s;
}

static uint32_t answer_lives_s(const struct dns_answer *a)
{
	switch (a->result) {
	case DNS_FOUND:
	case DNS_ALIAS:
		return clamp_s(a->ttl_s, DNS_TTL_MAX_S);
	case DNS_NOTHING:
		return a->negative_ttl ? clamp_s(a->ttl_s, DNS_NEGATIVE_MAX_S)
				       : DNS_NEGATIVE_UNSAID_S;
	case DNS_FAILED:
		break;
	}
	return DNS_FAILED_S;
}

/* Of the question, a free one, or the one that was not asked for the longest; in no list. */
static struct dns_entry *dns_entry_ensure(struct dns_cache *c, const struct dns_question *q)
{
	uint64_t hash = question_hash(c, q);
	struct dns_entry *e = dns_entry_find(c, q, hash);

	if (e) {
		dns_entry_unlink(c, e);
		return e;
	}
	if (c->count < c->capacity) {
		e = &c->entries[++c->count];
	} else {
		e = &c->entries[c->entries[0].newer];
		dns_entry_unlink(c, e);
		(void)table_del(&c->by_question, e->hash, dns_entry_place(c, e));
	}
	e->question = *q;
	e->hash = hash;
	if (table_put(&c->by_question, hash, dns_entry_place(c, e)))
		e->hash = 0; /* not found any more, and reused in its turn */
	return e;
}

void dns_cache_put(struct dns_cache *c, const struct dns_question *question,
		   const struct dns_answer *answer, uint64_t now_ns)
{
	struct dns_entry *e = dns_entry_ensure(c, question);

	dns_entry_clear(e);
	dns_entry_link(c, e);
	e->result = answer->result;
	e->alias = answer->alias;
	e->expires_ns = now_ns + answer_lives_s(answer) * NS_PER_S;
	if (!answer->count)
		return;
	e->records = reallocarray(NULL, answer->count, sizeof(*e->records));
	if (!e->records) {
		e->result = DNS_FAILED;
		e->expires_ns = 0;
		return;
	}
	memcpy(e->records, answer->records, answer->count * sizeof(*e->records));
	e->count = answer->count;
}
