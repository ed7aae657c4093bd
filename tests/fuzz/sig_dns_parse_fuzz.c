/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of name servers. The first octet chooses type and name of the question, the rest is the message. What is taken of it libre reads, too,
 * at the same place (libre is the oracle); names are names of hosts; and what was taken, written plainly, is taken again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <re/re.h>

#include "base/bytes.h"
#include "sig/lookup/dns.h"

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "%s\n", what);
	abort();
}

static void check_name(const struct dns_name *name)
{
	struct dns_name again;

	if (!name->text[0])
		return;
	check(dns_name_from(&again, bytes_str(name->text)) == 0, "no name of a host");
	check(dns_name_eq(&again, name), "a name that is not as all are");
}

static bool is_name(const char *theirs, const struct dns_name *ours)
{
	struct dns_name name = { 0 };

	return theirs && ((!theirs[0] && !ours->text[0]) ||
			  (!dns_name_from(&name, bytes_str(theirs)) && dns_name_eq(&name, ours)));
}

static bool same_data(const struct dnsrr *rr, enum dns_type type, const struct dns_record *r)
{
	switch (type) {
	case DNS_A:
		return rr->rdata.a.addr == be32_get(r->ip);
	case DNS_AAAA:
		return !memcmp(rr->rdata.aaaa.addr, r->ip, 16);
	case DNS_SRV:
		return rr->rdata.srv.pri == r->priority && rr->rdata.srv.weight == r->weight &&
		       rr->rdata.srv.port == r->port && is_name(rr->rdata.srv.target, &r->name);
	case DNS_NAPTR:
		return rr->rdata.naptr.order == r->priority && rr->rdata.naptr.pref == r->weight &&
		       is_name(rr->rdata.naptr.replace, &r->name);
	case DNS_CNAME:
	case DNS_SOA:
		break;
	}
	return false;
}

/* Behind the name at that place, as it lies there; 0: broken. */
static size_t skip_name(struct bytes m, size_t at)
{
	while (at < m.n && m.p[at] && m.p[at] < 0x40)
		at += 1U + m.p[at];
	if (at >= m.n)
		return 0;
	return at + (m.p[at] ? 2 : 1);
}

/* libre finds the record in the answer section. */
static bool libre_has(struct bytes m, enum dns_type type, const struct dns_record *r)
{
	struct mbuf *mb = mbuf_alloc(m.n);
	size_t at = skip_name(m, 12);
	bool found = false;

	check(mb && at, "memory, or a question");
	check(!mbuf_write_mem(mb, m.p, m.n), "memory");
	at += 4;
	for (uint16_t i = 0, n = be16_get(m.p + 6); i < n && !found; i++) {
		size_t end = skip_name(m, at);
		struct dnsrr *rr = NULL;

		check(end && end + 10 <= m.n, "a record beyond the message");
		mb->pos = at;
		if (be16_get(m.p + end) == (uint16_t)type && !dns_rr_decode(mb, &rr, 0))
			found = same_data(rr, type, r);
		mem_deref(rr);
		at = end + 10 + be16_get(m.p + end + 8);
	}
	mem_deref(mb);
	return found;
}

static void put_name(struct writer *w, const struct dns_name *name)
{
	struct bytes rest = bytes_str(name->text), label;

	while (bytes_cut(&rest, '.', &label)) {
		writer_u8(w, (uint8_t)label.n);
		writer_bytes(w, label);
	}
	writer_u8(w, 0);
}

static void put_naptr(struct writer *w, const struct dns_record *r)
{
	static const char *const services[] = { "SIP+D2U", "SIP+D2T", "SIPS+D2T" };

	writer_be16(w, r->priority);
	writer_be16(w, r->weight);
	writer_str(w, "\1s");
	writer_u8(w, (uint8_t)strlen(services[r->service]));
	writer_str(w, services[r->service]);
	writer_u8(w, 0);
	put_name(w, &r->name);
}

static void put_data(struct writer *w, enum dns_type type, const struct dns_record *r)
{
	if (type == DNS_A || type == DNS_AAAA) {
		writer_mem(w, r->ip, type == DNS_A ? 4 : 16);
	} else if (type == DNS_NAPTR) {
		put_naptr(w, r);
	} else {
		writer_be16(w, r->priority);
		writer_be16(w, r->weight);
		writer_be16(w, r->port);
		put_name(w, &r->name);
	}
}

static void put_record(struct writer *w, const struct dns_question *q, const struct dns_answer *a,
		       uint32_t i)
{
	size_t at;

	put_name(w, &q->name);
	writer_be16(w, (uint16_t)q->type);
	writer_be16(w, 1);
	writer_be32(w, a->ttl_s);
	writer_be16(w, 0);
	at = w->n;
	put_data(w, q->type, &a->records[i]);
	check(!w->overflow, "room");
	be16_put(w->p + at - 2, (uint16_t)(w->n - at));
}

static void check_again(const struct dns_question *q, const struct dns_answer *a)
{
	static uint8_t space[65536];
	static struct dns_answer again;
	struct writer w = writer_over(space, sizeof(space));

	dns_query_write(&w, 7, q);
	space[2] |= 0x80;
	be16_put(space + 6, (uint16_t)a->count);
	for (uint32_t i = 0; i < a->count; i++)
		put_record(&w, q, a, i);
	check(!dns_answer_parse(&again, 7, q, writer_done(&w)), "not taken again");
	check(again.result == DNS_FOUND && again.count == a->count, "something else");
	check(again.ttl_s == (a->ttl_s & 0x80000000U ? 0 : a->ttl_s), "another time");
	for (uint32_t i = 0; i < a->count; i++) {
		check(!memcmp(again.records[i].ip, a->records[i].ip, 16) &&
			      again.records[i].port == a->records[i].port &&
			      again.records[i].service == a->records[i].service &&
			      dns_name_eq(&again.records[i].name, &a->records[i].name),
		      "another record");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum dns_type types[] = { DNS_A, DNS_AAAA, DNS_SRV, DNS_NAPTR };
	static const char *const names[] = { "a.test", "_sip._udp.a.test", "example.com", "b" };
	static struct dns_answer a;
	struct dns_question q;
	struct bytes m;

	if (size < 3)
		return 0;
	q.type = types[data[0] % 4];
	check(!dns_name_from(&q.name, bytes_str(names[data[0] / 4 % 4])), "a name");
	m = bytes_mem(data + 1, size - 1);
	if (dns_answer_parse(&a, be16_get(m.p), &q, m) || a.truncated)
		return 0;
	check(a.count <= DNS_RECORDS_MAX && (a.result == DNS_FOUND) == (a.count != 0), "count");
	check(a.result != DNS_ALIAS || a.alias.text[0], "an alias without a name");
	check_name(&a.alias);
	for (uint32_t i = 0; i < a.count; i++) {
		check_name(&a.records[i].name);
		check(libre_has(m, q.type, &a.records[i]), "libre reads another record");
	}
	if (a.count)
		check_again(&q, &a);
	return 0;
}
