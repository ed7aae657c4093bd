/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any octets as a message. What is written over is 'x', the same again changes nothing, and whoever reads SDES keys or digest credentials
 * as the node does finds nothing but 'x' in them. Who reads keys that were pressed finds none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media/crypto.h"
#include "sig/leg/dtmf.h"
#include "sig/sip/digest.h"
#include "sig/sip/message.h"
#include "sig/sip/redact.h"

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "%s\n", what);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* base64 of "xxxx": c7 1c 71, again and again. */
static void check_key(const struct crypto *c)
{
	static const uint8_t pattern[] = { 0xc7, 0x1c, 0x71 };

	for (uint8_t i = 0; i < c->key.length; i++) {
		/* the last one may be of fewer digits, with '=' masked as well */
		check(c->key.octets[i] == pattern[i % 3], "a key is left");
	}
}

static void check_keys(struct bytes message)
{
	struct bytes line;

	while (bytes_cut(&message, '\n', &line)) {
		struct crypto c;

		if (bytes_istarts(line, "a=crypto:") &&
		    !crypto_parse(&c, bytes_trim(bytes_from(line, 9))))
			check_key(&c);
	}
}

static void check_response(const struct sip_message *m, bool proxy)
{
	struct digest_credentials c;
	struct bytes value;

	if (!message_header(m, proxy ? "Proxy-Authorization" : "Authorization", 0, &value))
		return;
	if (digest_credentials_find(&c, m, proxy, BYTES_LIT("r")) != 1)
		return;
	for (size_t i = 0; i < c.response.n; i++)
		check(c.response.p[i] == 'x', "a response is left");
}

static void check_digits(const struct sip_message *m)
{
	struct bytes type;
	struct dtmf dtmf;

	if (message_header(m, "Content-Type", 0, &type))
		check(dtmf_parse(type, m->body, &dtmf) != 0, "a digit is left");
}

static void check_credentials(struct bytes message)
{
	struct message_error error;
	struct sip_message m;

	if (!message_parse(&m, message, &error)) {
		check_response(&m, false);
		check_response(&m, true);
		check_digits(&m);
	}
	message_close(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *once = malloc(size + 1), *twice = malloc(size + 1);

	check(once && twice, "memory");
	memcpy(once, data, size);
	redact_keys(once, size);
	redact_credentials(once, size);
	redact_digits(once, size);
	for (size_t i = 0; i < size; i++)
		check(once[i] == data[i] || once[i] == 'x', "something else was written");
	memcpy(twice, once, size);
	redact_keys(twice, size);
	redact_credentials(twice, size);
	redact_digits(twice, size);
	check(memcmp(once, twice, size) == 0, "not the same again");
	check_keys(bytes_mem(once, size));
	check_credentials(bytes_mem(once, size));
	free(once);
	free(twice);
	return 0;
}
