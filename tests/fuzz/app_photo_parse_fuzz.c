/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pictures, as octets and as text. Oracle: what is taken begins as its type does, and is kept as a text that is kept as itself; its octets, written in
 * base64 by OpenSSL, are that text.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "app/archive/contact/contact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void kept_again(struct bytes kept)
{
	char *again = malloc(CONTACT_PHOTO_MAX), *base64 = malloc(2 * CONTACT_PHOTO_MAX);
	struct writer w = writer_over(again, CONTACT_PHOTO_MAX);
	const char *type;
	uint8_t *octets;
	size_t n = 0;

	assert(again && base64 && photo_write_kept(&w, kept) && bytes_eq(writer_done(&w), kept));
	octets = photo_octets(kept, &type, &n);
	if (octets) {
		assert(photo_type(bytes_mem(octets, n)) == type);
		assert(bytes_starts(bytes_mem(octets, n),
				    !strcmp(type, "image/png") ? "\x89PNG" : "\xff\xd8"));
		(void)EVP_EncodeBlock((unsigned char *)base64, octets, (int)n);
		assert(bytes_is(bytes_from(kept, bytes_find(kept, ',') + 1), base64));
	} else {
		assert(bytes_istarts(kept, "http"));
	}
	free(octets);
	free(base64);
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *room = malloc(CONTACT_PHOTO_MAX), *text = malloc(2 * size + 64);
	struct writer w = writer_over(room, CONTACT_PHOTO_MAX);

	assert(room && text);
	if (photo_write_kept(&w, bytes_mem(data, size)))
		kept_again(writer_done(&w));
	memcpy(text, "data:x;base64,", 14);
	(void)EVP_EncodeBlock((unsigned char *)text + 14, data, (int)size);
	w = writer_over(room, CONTACT_PHOTO_MAX);
	if (photo_write_kept(&w, bytes_str(text))) {
		assert(photo_type(bytes_mem(data, size)));
		kept_again(writer_done(&w));
	} else {
		assert(!photo_type(bytes_mem(data, size)) || strlen(text) + 10 > CONTACT_PHOTO_MAX);
	}
	free(text);
	free(room);
	return 0;
}
