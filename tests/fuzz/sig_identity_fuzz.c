/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Headers about who calls. What is taken of any of them is valid, within its bounds, and taken again from a message that has it, it is the
 * same: so a node behind this one believes what this one does. Of who is not trusted nothing is asserted that it may not be called. With
 * hosts of ours nothing of the inside is left, and the value stays valid.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sig/identity/carried.h"
#include "sig/sip/uri.h"

enum { INPUT_MAX = 6000, HEAD_MAX = 1024 };

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "%s\n", what);
	abort();
}

static int parse(struct sip_message *m, const char *uri, struct bytes lines)
{
	static uint8_t text[INPUT_MAX + HEAD_MAX + CARRIED_MAX];
	struct writer w = writer_over(text, sizeof(text));
	struct message_error error;
	int err;

	WRITER_TEXTS(&w, "INVITE ", uri,
		     " SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx\r\n"
		     "From: <sip:1@x>;tag=f\r\nTo: <sip:1@x>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n");
	writer_bytes(&w, lines);
	writer_str(&w, "\r\n");
	err = message_parse(m, writer_done(&w), &error);
	if (err)
		message_close(m);
	return err;
}

static struct bytes without_number(struct bytes lines, char uri[CARRIED_VALUE_MAX + 64])
{
	struct bytes value;

	(void)snprintf(uri, 64, "tel:1");
	if (carried_find(lines, CARRIED_NUMBER, 0, &value))
		(void)snprintf(uri, CARRIED_VALUE_MAX + 64, "tel:1;" BYTES_FMT, BYTES_ARG(value));
	return lines;
}

static void check_again(struct bytes taken)
{
	static char uri[CARRIED_VALUE_MAX + 64];
	static uint8_t space[2 * CARRIED_MAX];
	const struct identity_policy cell = identity_of_inter_shard();
	struct writer w = writer_over(space, sizeof(space));
	struct sip_message m;

	if (parse(&m, uri, without_number(taken, uri)))
		return; /* as a header one of them says more: the message as a whole is refused */
	carried_read(&w, &m, &cell, NULL);
	message_close(&m);
	check(bytes_eq(writer_done(&w), taken), "taken again it is another");
}

static void check_hidden(struct bytes lines)
{
	static uint8_t space[CARRIED_VALUE_MAX + 64];
	struct carried_line line;
	struct sip_name_addr a;

	while (carried_next(&lines, &line)) {
		struct writer w = writer_over(space, sizeof(space));

		if (line.kind != CARRIED_ASSERTED && line.kind != CARRIED_DIVERSION &&
		    line.kind != CARRIED_HISTORY)
			continue;
		carried_write_hidden(&w, line.value, BYTES_LIT("own.example"));
		check(!w.overflow, "it grew");
		check(!sip_name_addr_parse(&a, writer_done(&w)), "it is none any more");
		check(bytes_iis(a.uri.scheme, "tel") || bytes_is(a.uri.host, "own.example") ||
			      (a.uri.host.n >= 8 &&
			       bytes_iis(bytes_from(a.uri.host, a.uri.host.n - 8), ".invalid")),
		      "a host of the inside");
	}
}

static void check_phone(const struct sip_message *m)
{
	static uint8_t space[2 * CARRIED_MAX];
	const struct identity_policy phone = identity_of_phone(NULL);
	const struct carried_self self = { .number = BYTES_LIT("1001"),
					   .others = BYTES_LIT("+4930100") };
	struct writer w = writer_over(space, sizeof(space));
	struct carried_line line;
	struct bytes user, rest;

	carried_read(&w, m, &phone, &self);
	rest = writer_done(&w);
	check(carried_is_valid(rest), "not valid, of a phone");
	if (carried_number(rest, &user))
		check(user.n >= 4, "a phone is called by a name of its own choice");
	while (carried_next(&rest, &line))
		check(line.kind != CARRIED_DIVERSION && line.kind != CARRIED_HISTORY &&
			      line.kind != CARRIED_IDENTITY && line.kind != CARRIED_EXTRA,
		      "a phone is believed");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t space[2 * CARRIED_MAX];
	const struct identity_policy cell = identity_of_inter_shard();
	struct bytes in = bytes_mem(data, size < INPUT_MAX ? size : INPUT_MAX);
	struct writer w = writer_over(space, sizeof(space));
	struct sip_message m;

	if (carried_is_valid(in))
		check_again(in);
	if (parse(&m, "tel:1;npdi;rn=+2", in))
		return 0;
	carried_read(&w, &m, &cell, NULL);
	check(!w.overflow && w.n <= CARRIED_MAX, "too much");
	check(carried_is_valid(writer_done(&w)), "what was taken is not valid");
	check_again(writer_done(&w));
	check_hidden(writer_done(&w));
	check_phone(&m);
	message_close(&m);
	return 0;
}
