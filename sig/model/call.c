/* SPDX-License-Identifier: Apache-2.0 */
/* Values of a call that need no other party of the program (call.h): its remembered orders, so a
 * repeated one is not carried out twice; call data collected from its party (tags with values) and
 * account codes; names and display texts. With the record rows of these. The steps of a call are in
 * sig/call and sig/step. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "sig/host/settings.h"
#include "sig/model/call.h"
#include "sig/model/plan.h"
#include "sig/model/saved.h"
#include "sig/sip/message.h"

/* Their numbers grow. */
static bool order_check(struct schema_reader *r, void *object)
{
	const struct order_kept *kept = object;
	const struct orders *orders = loader_of(r)->c->orders;

	return kept->id && kept->number > (kept == orders->list ? 0 : kept[-1].number);
}

static const struct schema order_rows[] = {
	{ "id", 1, SCHEMA_FIXED64, SCHEMA_AT(struct order_kept, id) },
	{ "number", 2, SCHEMA_UINT, SCHEMA_AT(struct order_kept, number) },
	{ 0 },
};

static const struct schema orders_list[] = {
	{ "orders", 35, SCHEMA_MESSAGE, SCHEMA_LIST,
	  SCHEMA_OF(struct orders, list, struct order_kept), .of = order_rows,
	  .count = offsetof(struct orders, count), .most = ORDERS_KEPT, .check = order_check,
	  .wrong = "call: orders" },
	{ 0 },
};

const struct schema orders_saved[] = {
	{ "orders", 35, SCHEMA_GROUP, SCHEMA_POINTER, SCHEMA_OF(struct call, orders, struct orders),
	  .of = orders_list },
	{ 0 },
};

const struct order_kept *orders_find(const struct orders *orders, uint64_t id)
{
	for (uint8_t i = 0; orders && i < orders->count; i++) {
		if (orders->list[i].id == id)
			return &orders->list[i];
	}
	return NULL;
}

static bool orders_make(struct orders **orders)
{
	if (!*orders)
		*orders = calloc(1, sizeof(**orders));
	return *orders;
}

static uint32_t last_number(const struct orders *o)
{
	return o->count ? o->list[o->count - 1].number : 0;
}

uint32_t orders_next(const struct orders *orders)
{
	return orders ? last_number(orders) + 1 : 1;
}

const struct order_kept *orders_keep(struct orders **orders, uint64_t id)
{
	struct order_kept kept = { .id = id };
	struct orders *o;

	if (!orders_make(orders))
		return NULL;
	o = *orders;
	kept.number = last_number(o) + 1;
	if (o->count == ORDERS_KEPT)
		memmove(o->list, o->list + 1, --o->count * sizeof(o->list[0]));
	o->list[o->count] = kept;
	return &o->list[o->count++];
}

#define DATA_LINE    "Tandem-Data"
#define ACCOUNT_LINE "Tandem-Account"
#define SOURCE_LINE  "Tandem-Source"

static bool is_tag_octet(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-';
}

bool call_tag_is_good(struct bytes tag)
{
	size_t dot = bytes_find(tag, '.');

	if (tag.n > CALL_TAG_MAX || dot == 0 || dot + 1 >= tag.n)
		return false;
	for (size_t i = 0; i < tag.n; i++) {
		if (i != dot && !is_tag_octet(tag.p[i]))
			return false;
	}
	return true;
}

static bool value_is_good(struct bytes value)
{
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] < ' ' || value.p[i] == ';' || value.p[i] == 0x7f)
			return false;
	}
	return value.n > 0 && utf8_is(value);
}

bool call_data_is_good(struct bytes data)
{
	struct bytes one, tag;

	if (data.n >= CALL_DATA_MAX || (data.n && data.p[data.n - 1] == ';'))
		return false;
	while (bytes_cut(&data, ';', &one)) {
		if (!bytes_cut(&one, '=', &tag) || !call_tag_is_good(tag) || !value_is_good(one))
			return false;
	}
	return true;
}

static struct bytes data_value(struct bytes data, struct bytes tag)
{
	struct bytes one, name;

	while (bytes_cut(&data, ';', &one)) {
		if (bytes_cut(&one, '=', &name) && bytes_eq(name, tag))
			return one;
	}
	return (struct bytes){ 0 };
}

struct bytes call_data_get(const struct call *c, struct bytes tag)
{
	return data_value(text_bytes(&c->data), tag);
}

static void data_put(struct writer *w, struct bytes one)
{
	writer_str(w, w->n ? ";" : "");
	writer_bytes(w, one);
}

/* All but that tag. */
static void data_put_others(struct writer *w, struct bytes data, struct bytes tag)
{
	struct bytes one, rest, name;

	while (bytes_cut(&data, ';', &one)) {
		rest = one;
		if (bytes_cut(&rest, '=', &name) && !bytes_eq(name, tag))
			data_put(w, one);
	}
}

int call_data_set(struct call *c, struct bytes tag, struct bytes value)
{
	uint8_t space[CALL_DATA_MAX - 1];
	struct writer w = writer_over(space, sizeof(space));

	if (value.n && !value_is_good(value))
		return -EINVAL;
	data_put_others(&w, text_bytes(&c->data), tag);
	if (value.n) {
		data_put(&w, tag);
		writer_str(&w, "=");
		writer_bytes(&w, value);
	}
	return w.overflow ? -ENOSPC : text_set(&c->data, writer_done(&w));
}

static void data_merge(struct call *to, struct bytes data)
{
	struct bytes one, value, tag;

	while (bytes_cut(&data, ';', &one)) {
		value = one;
		if (bytes_cut(&value, '=', &tag) && !data_value(text_bytes(&to->data), tag).n)
			(void)call_data_set(to, tag, value);
	}
}

static void account_merge(struct call *to, struct bytes code)
{
	if (!to->account.n && text_set(&to->account, code))
		LOG_WARN("call", to->id, "no memory: the call has no account code");
}

void call_data_merge(struct call *to, const struct call *from)
{
	data_merge(to, text_bytes(&from->data));
	account_merge(to, text_bytes(&from->account));
}

static void data_line(struct writer *w, const char *name, struct bytes value)
{
	if (!value.n)
		return;
	WRITER_TEXTS(w, name, ": ");
	writer_bytes(w, value);
	writer_str(w, "\r\n");
}

void call_data_write(struct writer *w, const struct call *c)
{
	data_line(w, DATA_LINE, text_bytes(&c->data));
	data_line(w, ACCOUNT_LINE, text_bytes(&c->account));
}

void call_source_write(struct writer *w, struct bytes source)
{
	if (source.n <= CALL_SOURCE_MAX)
		data_line(w, SOURCE_LINE, source);
}

void call_data_hear(struct call *to, const struct sip_message *m)
{
	struct bytes data, code, source;

	if (m->hop.transport != SIP_INTER_SHARD)
		return;
	if (message_header(m, DATA_LINE, 0, &data) && call_data_is_good(data))
		data_merge(to, data);
	if (message_header(m, ACCOUNT_LINE, 0, &code) && code.n < CALL_ACCOUNT_MAX &&
	    bytes_are_plain(code))
		account_merge(to, code);
	if (m->method == SIP_INVITE && message_header(m, SOURCE_LINE, 0, &source) &&
	    source.n <= CALL_SOURCE_MAX && text_set(&to->source, source))
		LOG_ERROR("call", to->id, "no memory for the caller's identity");
}

int call_name_set(struct call *c, struct bytes display)
{
	char name[CALL_NAME_MAX - 1];

	return text_set(&c->display, sip_display_unescape(display, name, sizeof(name)));
}

const char *call_tenant(const struct call_host *h, const struct call *c)
{
	return tenants_name(h->settings->tenants, c->tenant);
}

void tolls_clear(struct call *c)
{
	while (c->toll_count)
		text_clear(&c->tolls[--c->toll_count].user);
	free(c->tolls);
	c->tolls = NULL;
}
