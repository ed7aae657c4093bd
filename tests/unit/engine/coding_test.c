/* SPDX-License-Identifier: Apache-2.0 */
/* What media/codec.h says that is spoken, dsp codes, with the clock that SDP has. */
#include "tests/unit/test.h"

#include <errno.h>

#include "dsp/codec/decoder.h"
#include "dsp/codec/encoder.h"
#include "media/codec.h"

static void test_spoken(void **state)
{
	(void)state;
	for (unsigned i = 0; i < MEDIA_CODECS; i++) {
		const struct media_codec_facts *facts = media_codec_facts((enum media_codec)i);
		const struct decoder_settings in = { .codec = facts->name };
		const struct encoder_settings out = { .codec = facts->name };
		struct decoder *d = NULL;
		struct encoder *e = NULL;

		ROW_ASSERT(facts->name, decoder_open(&d, &in) == 0);
		ROW_ASSERT(facts->name, encoder_open(&e, &out) == 0);
		ROW_ASSERT(facts->name, decoder_format(d).clock == facts->clock_hz);
		ROW_ASSERT(facts->name, encoder_format(e).clock == facts->clock_hz);
		decoder_close(d);
		encoder_close(e);
	}
}

/* G.729 by a module, which nobody has loaded; AMR never. */
static void test_not_coded(void **state)
{
	static const struct {
		const char *name;
		int want;
	} rows[] = { { "G729", -ENOTSUP }, { "AMR", -EINVAL }, { "G723", -EINVAL } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct decoder *d = NULL;
		struct encoder *e = NULL;

		ROW_ASSERT(rows[i].name,
			   decoder_open(&d, &(struct decoder_settings){ .codec = rows[i].name }) ==
				   rows[i].want);
		ROW_ASSERT(rows[i].name,
			   encoder_open(&e, &(struct encoder_settings){ .codec = rows[i].name }) ==
				   rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spoken),
		cmocka_unit_test(test_not_coded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
