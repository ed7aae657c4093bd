/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parses the text of the key file: lines of "cluster ID BASE64" and comments. keys.c calls it with
 * the file's octets. It is strict, as a key that is read wrongly would make all sealed secrets
 * unreadable without a visible cause: unknown words, short keys and a second key are errors. Pure,
 * so that it can be fuzzed.
 */

#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "app/settings/keys.h"

enum { BASE64_LEN = 44 }; /* of 32 bytes, with one '=' */

static int base64_read(uint8_t out[KEYS_LEN], struct bytes in)
{
	uint8_t block[BASE64_LEN / 4 * 3];

	if (in.n != BASE64_LEN || in.p[BASE64_LEN - 1] != '=' ||
	    bytes_find(in, '=') != BASE64_LEN - 1)
		return -EBADMSG;
	if (EVP_DecodeBlock(block, in.p, BASE64_LEN) != sizeof(block))
		return -EBADMSG;
	memcpy(out, block, KEYS_LEN);
	OPENSSL_cleanse(block, sizeof(block));
	return 0;
}

static int line_read(struct keys *out, struct bytes line)
{
	struct bytes word, id;
	uint32_t number;

	if (!bytes_cut(&line, ' ', &word) || !bytes_is(word, "cluster") ||
	    !bytes_cut(&line, ' ', &id) || bytes_u32(id, &number) || number < 1 || number > 255)
		return -EBADMSG;
	out->id = (uint8_t)number;
	return base64_read(out->cluster, line);
}

int keys_parse(struct keys *out, struct bytes text)
{
	struct keys found = { 0 };
	struct bytes line;
	int err = 0;

	while (!err && bytes_cut(&text, '\n', &line)) {
		line = bytes_trim(line);
		if (line.n == 0 || line.p[0] == '#')
			continue;
		/* this version has one key */
		err = found.id ? -EBADMSG : line_read(&found, line);
	}
	if (!err && !found.id)
		err = -EBADMSG;
	if (!err)
		*out = found;
	keys_wipe(&found);
	return err;
}

void keys_wipe(struct keys *k)
{
	OPENSSL_cleanse(k, sizeof(*k));
}
