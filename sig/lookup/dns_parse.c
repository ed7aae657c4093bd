/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of RFC 1035 4. A compressed name may point back only, so parsing terminates. */
#include <errno.h>

#include "sig/lookup/dns.h"

enum {
	DNS_HEAD = 12,
	CLASS_IN = 1,
	FLAG_ANSWER = 0x8000,
	FLAG_OPCODE = 0x7800,
	FLAG_TRUNCATED = 0x0200,
	FLAG_RECURSE = 0x0100,
	POINTER = 0xc0,
};

/* What is read of a message. */
struct dns_walk {
	struct bytes message;
	size_t at;
};

/* One resource record. odd: its name is not a host name. */
struct dns_rr {
	struct dns_name owner;
	bool odd;
	uint16_t type, class;
	uint32_t ttl_s;
	size_t data, size;
};

static void name_write(struct writer *w, const struct dns_name *name)
{
	struct bytes rest = bytes_str(name->text), label;

	while (bytes_cut(&rest, '.', &label)) {
		writer_u8(w, (uint8_t)label.n);
		writer_bytes(w, label);
	}
	writer_u8(w, 0);
}

void dns_query_write(struct writer *w, uint16_t id, const struct dns_question *question)
{
	writer_be16(w, id);
	writer_be16(w, FLAG_RECURSE);
	writer_be16(w, 1);
	writer_be16(w, 0);
	writer_be32(w, 0);
	name_write(w, &question->name);
	writer_be16(w, (uint16_t)question->type);
	writer_be16(w, CLASS_IN);
}

/* Where its labels go on, or stand. False: broken. */
static bool label_next(struct bytes m, size_t *at, size_t *back, struct bytes *label)
{
	while (*at < m.n && (m.p[*at] & POINTER) == POINTER) {
		size_t to;

		if (*at + 2 > m.n)
			return false;
		to = (size_t)(m.p[*at] & ~POINTER) << 8 | m.p[*at + 1];
		if (to >= *back)
			return false;
		*at = *back = to;
	}
	if (*at >= m.n || (m.p[*at] & POINTER) || m.p[*at] >= m.n - *at)
		return false;
	*label = bytes_sub(m, *at + 1, m.p[*at]);
	*at += 1 + label->n;
	return true;
}

/* Behind a name as it lies there. False: broken. */
static bool name_skip(struct dns_walk *w)
{
	struct bytes m = w->message;

	while (w->at < m.n) {
		uint8_t n = m.p[w->at];

		if ((n & POINTER) == POINTER) {
			w->at += 2;
			return w->at <= m.n;
		}
		if ((n & POINTER) || n >= m.n - w->at)
			return false;
		w->at += 1U + n;
		if (!n)
			return true;
	}
	return false;
}

/* False: broken. *odd: it has other characters than a host's has; out is then "". */
static bool name_read(struct dns_walk *w, struct dns_name *out, bool *odd)
{
	size_t at = w->at, back = w->at, n = 0, wire = 1;
	char text[DNS_NAME_CAP + 2];
	struct bytes label;

	*odd = false;
	out->text[0] = '\0';
	for (;;) {
		if (!label_next(w->message, &at, &back, &label))
			return false;
		if (!label.n)
			break;
		wire += label.n + 1;
		if (wire > 255)
			return false;
		*odd |= memchr(label.p, '.', label.n) != NULL;
		memcpy(text + n, label.p, label.n);
		n += label.n;
		text[n++] = '.';
	}
	if (n && !*odd)
		*odd = dns_name_from(out, bytes_mem(text, n)) != 0;
	return name_skip(w);
}

static bool rr_read(struct dns_walk *w, struct dns_rr *out)
{
	const uint8_t *p;

	if (!name_read(w, &out->owner, &out->odd) || w->message.n - w->at < 10)
		return false;
	p = w->message.p + w->at;
	out->type = be16_get(p);
	out->class = be16_get(p + 2);
	/* RFC 2181 8: the highest bit is not part of the TTL */
	out->ttl_s = be32_get(p + 4) & 0x80000000U ? 0 : be32_get(p + 4);
	out->size = be16_get(p + 8);
	out->data = w->at + 10;
	if (out->size > w->message.n - out->data)
		return false;
	w->at = out->data + out->size;
	return true;
}

/* A name that is the whole rest of a record. */
static bool data_name(const struct dns_walk *w, const struct dns_rr *rr, size_t skip,
		      struct dns_name *out)
{
	struct dns_walk data = { .message = bytes_sub(w->message, 0, rr->data + rr->size),
				 .at = rr->data + skip };
	bool odd;

	return skip <= rr->size && name_read(&data, out, &odd) && !odd && data.at == data.message.n;
}

static bool data_address(const struct dns_walk *w, const struct dns_rr *rr, size_t n,
			 struct dns_record *out)
{
	if (rr->size == n)
		memcpy(out->ip, w->message.p + rr->data, n);
	return rr->size == n;
}

static bool data_srv(const struct dns_walk *w, const struct dns_rr *rr, struct dns_record *out)
{
	const uint8_t *p = w->message.p + rr->data;

	if (rr->size < 7)
		return false;
	out->priority = be16_get(p);
	out->weight = be16_get(p + 2);
	out->port = be16_get(p + 4);
	return data_name(w, rr, 6, &out->name);
}

/* <character-string>s of RFC 1035 3.3 */
static bool data_string(struct bytes *rest, struct bytes *out)
{
	if (!rest->n || rest->p[0] >= rest->n)
		return false;
	*out = bytes_sub(*rest, 1, rest->p[0]);
	*rest = bytes_from(*rest, 1 + out->n);
	return true;
}

static bool service_of(struct bytes text, uint8_t *out)
{
	static const char *const names[] = { [NAPTR_SIP_UDP] = "SIP+D2U",
					     [NAPTR_SIP_TCP] = "SIP+D2T",
					     [NAPTR_SIPS_TCP] = "SIPS+D2T" };

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (bytes_iis(text, names[i])) {
			*out = (uint8_t)i;
			return true;
		}
	}
	return false;
}

/* RFC 3263 4.1: records that lead to SRV ("s") by replacement alone, for a service that we
 * support. */
static bool data_naptr(const struct dns_walk *w, const struct dns_rr *rr, struct dns_record *out)
{
	struct bytes rest = bytes_sub(w->message, rr->data, rr->size);
	struct bytes flags, service, regexp;

	if (rest.n < 7)
		return false;
	out->priority = be16_get(rest.p);
	out->weight = be16_get(rest.p + 2);
	rest = bytes_from(rest, 4);
	return data_string(&rest, &flags) && data_string(&rest, &service) &&
	       data_string(&rest, &regexp) && bytes_iis(flags, "s") && !regexp.n &&
	       service_of(service, &out->service) &&
	       data_name(w, rr, rr->size - rest.n, &out->name) && out->name.text[0];
}

static bool data_read(const struct dns_walk *w, const struct dns_rr *rr, enum dns_type type,
		      struct dns_record *out)
{
	*out = (struct dns_record){ 0 };
	switch (type) {
	case DNS_A:
		return data_address(w, rr, 4, out);
	case DNS_AAAA:
		return data_address(w, rr, 16, out);
	case DNS_SRV:
		return data_srv(w, rr, out);
	case DNS_NAPTR:
		return data_naptr(w, rr, out);
	case DNS_CNAME:
	case DNS_SOA:
		break;
	}
	return false;
}

static bool rr_is(const struct dns_rr *rr, const struct dns_name *owner, uint16_t type)
{
	return !rr->odd && rr->class == CLASS_IN && rr->type == type &&
	       dns_name_eq(&rr->owner, owner);
}

static void answer_sooner(struct dns_answer *out, uint32_t ttl_s)
{
	if (ttl_s < out->ttl_s)
		out->ttl_s = ttl_s;
}

/* Follows the chain of aliases from *name on, in any order of records. Returns false if it is
 * endless, or the message is malformed. */
static bool follow_aliases(struct dns_walk start, uint16_t count, struct dns_name *name,
			   struct dns_answer *out)
{
	struct dns_rr rr;
	unsigned links = 0;

	for (uint16_t i = 0; i < count; i++) {
		struct dns_walk w = start;
		bool found = false;

		for (uint16_t j = 0; j < count && !found; j++) {
			if (!rr_read(&w, &rr))
				return false;
			found = rr_is(&rr, name, DNS_CNAME);
		}
		if (!found)
			return true;
		if (++links > DNS_ALIASES_MAX || !data_name(&w, &rr, 0, name) || !name->text[0])
			return false;
		answer_sooner(out, rr.ttl_s);
	}
	return true;
}

static bool records_read(struct dns_walk *w, uint16_t count, const struct dns_name *name,
			 enum dns_type type, struct dns_answer *out)
{
	struct dns_rr rr;

	for (uint16_t i = 0; i < count; i++) {
		if (!rr_read(w, &rr))
			return false;
		if (!rr_is(&rr, name, (uint16_t)type) || out->count == DNS_RECORDS_MAX ||
		    !data_read(w, &rr, type, &out->records[out->count]))
			continue;
		answer_sooner(out, rr.ttl_s);
		out->count++;
	}
	return true;
}

/* RFC 2308 5: the less of the SOA's own time and its last field. */
static void negative_read(struct dns_walk *w, uint16_t count, struct dns_answer *out)
{
	struct dns_rr rr;

	for (uint16_t i = 0; i < count && rr_read(w, &rr); i++) {
		if (rr.type != DNS_SOA || rr.class != CLASS_IN || rr.size < 22)
			continue;
		answer_sooner(out, rr.ttl_s);
		answer_sooner(out, be32_get(w->message.p + w->at - 4));
		out->negative_ttl = true;
		return;
	}
}

static int dns_sections_read(struct dns_walk *w, const struct dns_question *question,
			     struct dns_answer *out)
{
	uint16_t answers = be16_get(w->message.p + 6), authorities = be16_get(w->message.p + 8);
	struct dns_name name = question->name;

	out->ttl_s = UINT32_MAX;
	if (!follow_aliases(*w, answers, &name, out) ||
	    !records_read(w, answers, &name, question->type, out))
		return -EBADMSG;
	if (out->count) {
		out->result = DNS_FOUND;
	} else if (!dns_name_eq(&name, &question->name) && out->rcode == DNS_CODE_OK) {
		out->result = DNS_ALIAS;
		out->alias = name;
	} else {
		out->result = DNS_NOTHING;
		negative_read(w, authorities, out);
	}
	return 0;
}

static bool question_is_asked(struct dns_walk *w, const struct dns_question *question)
{
	struct dns_name name;
	const uint8_t *p;
	bool odd;

	if (be16_get(w->message.p + 4) != 1 || !name_read(w, &name, &odd) || odd ||
	    w->message.n - w->at < 4)
		return false;
	p = w->message.p + w->at;
	w->at += 4;
	return dns_name_eq(&name, &question->name) && be16_get(p) == (uint16_t)question->type &&
	       be16_get(p + 2) == CLASS_IN;
}

int dns_answer_parse(struct dns_answer *out, uint16_t id, const struct dns_question *question,
		     struct bytes message)
{
	struct dns_walk w = { .message = message, .at = DNS_HEAD };
	uint16_t flags;

	out->rcode = 0;
	out->count = 0;
	out->truncated = out->negative_ttl = false;
	out->alias.text[0] = '\0';
	if (message.n < DNS_HEAD || be16_get(message.p) != id)
		return -EBADMSG;
	flags = be16_get(message.p + 2);
	if (!(flags & FLAG_ANSWER) || (flags & FLAG_OPCODE) || !question_is_asked(&w, question))
		return -EBADMSG;
	out->rcode = flags & 0xf;
	out->truncated = flags & FLAG_TRUNCATED;
	out->result = DNS_FAILED;
	out->ttl_s = 0;
	if (out->truncated || (out->rcode != DNS_CODE_OK && out->rcode != DNS_CODE_NXDOMAIN))
		return 0;
	return dns_sections_read(&w, question, out);
}
