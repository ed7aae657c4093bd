/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has which slot of a Redis Cluster: a refusal that begins with MOVED, or else an answer to CLUSTER SLOTS. What is taken of a
 * table is what a look at each range says, one slot after the other; and both are read the same again when they are written.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include "cluster/redis/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 128, TABLE_MAX = 4 << 20 };

static const struct addr *from(void)
{
	static struct addr a;

	if (!a.port)
		assert(addr_parse(&a, BYTES_LIT("192.0.2.9:7000")) == 0);
	return &a;
}

static redisReply *reply_of(const uint8_t *data, size_t size)
{
	redisReader *reader = redisReaderCreate();
	void *reply = NULL;

	assert(reader);
	reader->maxbuf = 0;
	if (redisReaderFeed(reader, (const char *)data, size) != REDIS_OK ||
	    redisReaderGetReply(reader, &reply) != REDIS_OK)
		reply = NULL;
	redisReaderFree(reader);
	return reply;
}

/* The owner's port by the text; 0: nobody has it. */
static long long port_of(const redisReply *table, long long slot)
{
	long long port = 0;

	for (size_t i = 0; i < table->elements; i++) {
		const redisReply *range = table->element[i];

		if (range->element[0]->integer <= slot && slot <= range->element[1]->integer) {
			assert(!port);
			port = range->element[2]->element[1]->integer;
		}
	}
	return port;
}

static void table_compare(const struct redis_slots *s, const redisReply *table)
{
	assert(s->count <= REDIS_SERVERS_MAX);
	for (uint32_t i = 0; i < REDIS_SLOTS; i++) {
		const struct addr *owner = redis_slots_owner(s, (uint16_t)i);

		assert((owner ? owner->port : 0) == port_of(table, i));
	}
}

/* Each slot as a range of its own. */
static size_t table_write(char *out, const struct redis_slots *s)
{
	uint32_t count = 0;
	size_t n = 0;

	for (uint32_t i = 0; i < REDIS_SLOTS; i++)
		count += redis_slots_owner(s, (uint16_t)i) != NULL;
	n += (size_t)sprintf(out, "*%u\r\n", count);
	for (uint32_t i = 0; i < REDIS_SLOTS; i++) {
		const struct addr *owner = redis_slots_owner(s, (uint16_t)i);
		char host[ADDR_TEXT_MAX];
		struct writer w = writer_over(host, sizeof(host));

		if (!owner)
			continue;
		addr_write_ip(&w, owner);
		n += (size_t)sprintf(out + n, "*3\r\n:%u\r\n:%u\r\n*2\r\n$%zu\r\n%.*s\r\n:%u\r\n",
				     i, i, w.n, (int)w.n, host, owner->port);
	}
	return n;
}

static void table_again(const struct redis_slots *s)
{
	static struct redis_slots again;
	static char text[TABLE_MAX];
	redisReply *reply = reply_of((const uint8_t *)text, table_write(text, s));

	assert(reply && redis_slots_read(&again, reply, from()) == 0);
	for (uint32_t i = 0; i < REDIS_SLOTS; i++) {
		const struct addr *a = redis_slots_owner(s, (uint16_t)i);
		const struct addr *b = redis_slots_owner(&again, (uint16_t)i);

		assert(!a == !b && (!a || addr_eq(a, b)));
	}
	freeReplyObject(reply);
}

static void moved_check(struct bytes in)
{
	char text[TEXT_MAX];
	struct writer w = writer_over(text, sizeof(text));
	struct addr to, again;
	uint16_t slot, other;

	if (redis_moved_read(&slot, &to, in, from()))
		return;
	assert(slot < REDIS_SLOTS && to.port && to.family != ADDR_NONE);
	writer_fmt(&w, "MOVED %u ", slot);
	addr_write_ip(&w, &to);
	writer_fmt(&w, ":%u", to.port);
	assert(!w.overflow && redis_moved_read(&other, &again, writer_done(&w), from()) == 0);
	assert(other == slot && addr_eq(&again, &to));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct redis_slots slots;
	redisReply *reply;

	if (size >= 5 && !memcmp(data, "MOVED", 5)) {
		moved_check(bytes_mem(data, size));
		return 0;
	}
	reply = reply_of(data, size);
	if (reply && redis_slots_read(&slots, reply, from()) == 0) {
		table_compare(&slots, reply);
		table_again(&slots);
	}
	if (reply)
		freeReplyObject(reply);
	return 0;
}
