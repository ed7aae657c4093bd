/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/media/data.h"

#include <errno.h>

#include "media/sdp/sdp.h"
#include "tests/unit/media/sdp_again.h"

#define HEAD "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n"

static void test_refuses(void **state)
{
	static const struct {
		const char *name, *text;
		uint16_t line;
	} rows[] = {
		{ "empty", "", 0 },
		{ "blank", "\r\n", 0 },
		{ "not v= first", "o=- 1 1 IN IP4 192.0.2.1\r\nv=0\r\n", 0 },
		{ "version 1", "v=1\r\no=- 1 1 IN IP4 192.0.2.1\r\n", 1 },
		{ "version 00", "v=00\r\n", 1 },
		{ "no o=", "v=0\r\n", 1 },
		{ "s= before o=", "v=0\r\ns=-\r\no=- 1 1 IN IP4 192.0.2.1\r\n", 2 },
		{ "o= of five fields", "v=0\r\no=- 1 IN IP4 192.0.2.1\r\n", 2 },
		{ "o= without a number", "v=0\r\no=- x 1 IN IP4 192.0.2.1\r\n", 2 },
		{ "o= without a user", "v=0\r\no= 1 1 IN IP4 192.0.2.1\r\n", 2 },
		{ "o= twice", HEAD "o=- 1 1 IN IP4 192.0.2.1\r\n", 4 },
		{ "s= twice", HEAD "s=-\r\n", 4 },
		{ "c= twice", HEAD "c=IN IP4 192.0.2.1\r\nc=IN IP4 192.0.2.2\r\n", 5 },
		{ "c= twice in an m-line",
		  HEAD "m=audio 4 RTP/AVP 0\r\nc=IN IP4 192.0.2.1\r\nc=IN IP4 192.0.2.2\r\n", 6 },
		{ "s= in an m-line", HEAD "m=audio 4 RTP/AVP 0\r\ns=x\r\n", 5 },
		{ "blank line inside", HEAD "\r\nt=0 0\r\n", 4 },
		{ "no equals sign", HEAD "t 0 0\r\n", 4 },
		{ "folded line", HEAD "a=x\r\n y\r\n", 5 },
		{ "upper case type", HEAD "T=0 0\r\n", 4 },
		{ "bare CR", HEAD "a=x\rc=IN IP4 192.0.2.9\r\n", 4 },
		{ "m= of two fields", HEAD "m=audio 4\r\n", 4 },
		{ "m= without formats", HEAD "m=audio 4 RTP/AVP\r\n", 4 },
		{ "m= without formats, spaces", HEAD "m=audio 4 RTP/AVP  \r\na=x\r\n", 4 },
		{ "port 65536", HEAD "m=audio 65536 RTP/AVP 0\r\n", 4 },
		{ "port -1", HEAD "m=audio -1 RTP/AVP 0\r\n", 4 },
		{ "port empty", HEAD "m=audio  RTP/AVP 0\r\n", 4 },
		{ "port count 0", HEAD "m=audio 4/0 RTP/AVP 0\r\n", 4 },
		{ "port count empty", HEAD "m=audio 4/ RTP/AVP 0\r\n", 4 },
		{ "payload type 128", HEAD "m=audio 4 RTP/AVP 0 128\r\n", 4 },
		{ "payload type is a word", HEAD "m=audio 4 UDP/TLS/RTP/SAVPF opus\r\n", 4 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		static struct sdp s, before;
		struct sdp_error error = { 0 };

		memset(&s, 0x5a, sizeof(s));
		memset(&before, 0x5a, sizeof(before));
		ROW_ASSERT(row->name, sdp_parse(&s, bytes_str(row->text), &error) == -EBADMSG);
		ROW_ASSERT(row->name, error.line == row->line);
		ROW_ASSERT(row->name, error.reason != NULL);
		ROW_ASSERT(row->name, memcmp(&s, &before, sizeof(s)) == 0);
	}
}

static void test_refuses_a_nul(void **state)
{
	static const char text[] = HEAD "a=x\0y\r\n";
	struct sdp_error error;
	struct sdp s;

	(void)state;
	assert_int_equal(sdp_parse(&s, bytes_mem(text, sizeof(text) - 1), &error), -EBADMSG);
	assert_int_equal(error.line, 4);
}

static void test_accepts(void **state)
{
	static const struct {
		const char *name, *text, *written;
		uint16_t lines;
		uint8_t media;
	} rows[] = {
		{ "the least", "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\n", NULL, 2, 0 },
		{ "no end of the last line", "v=0\r\no=- 1 1 IN IP4 192.0.2.1",
		  "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\n", 2, 0 },
		{ "blank lines at the end", HEAD "\r\n\r\n", HEAD, 3, 0 },
		{ "spaces in the user name", "v=0\r\no=J. Doe 1 1 IN IP4 192.0.2.1\r\n", NULL, 2, 0 },
		{ "types we do not know", HEAD "f=v/////a/1/8/1\r\ny=0100\r\n", NULL, 5, 0 },
		{ "an empty value", HEAD "i=\r\n", NULL, 4, 0 },
		{ "port range", HEAD "m=audio 65535/2 RTP/AVP 0\r\n", NULL, 4, 1 },
		{ "refused with a star", HEAD "m=video 0 RTP/AVP *\r\n", NULL, 4, 1 },
		{ "not RTP", HEAD "m=image 5 udptl t38\r\nm=application 9 TCP/BFCP *\r\n", NULL, 5, 2 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		uint8_t buf[512];
		struct writer w = writer_over(buf, sizeof(buf));
		struct sdp_error error;
		struct sdp s;

		ROW_ASSERT(row->name, sdp_parse(&s, bytes_str(row->text), &error) == 0);
		ROW_ASSERT(row->name, s.line_count == row->lines);
		ROW_ASSERT(row->name, s.media_count == row->media);
		sdp_write(&w, &s);
		ROW_ASSERT(row->name,
			   bytes_is(writer_done(&w), row->written ? row->written : row->text));
	}
}

static void test_bounds(void **state)
{
	static char text[SDP_TEXT_MAX + 100];
	struct sdp_error error;
	struct sdp s;
	size_t n = (size_t)snprintf(text, sizeof(text), HEAD);

	(void)state;
	for (int i = 3; i < SDP_LINES_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "a=x\r\n");
	assert_int_equal(sdp_parse(&s, bytes_mem(text, n), &error), 0);
	n += (size_t)snprintf(text + n, sizeof(text) - n, "a=x\r\n");
	assert_int_equal(sdp_parse(&s, bytes_mem(text, n), &error), -EBADMSG);
	assert_int_equal(error.line, SDP_LINES_MAX);

	memset(text + n, ' ', sizeof(text) - n);
	assert_int_equal(sdp_parse(&s, bytes_mem(text, SDP_TEXT_MAX + 1), &error), -EBADMSG);

	n = (size_t)snprintf(text, sizeof(text), HEAD);
	for (int i = 0; i < SDP_MEDIA_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "m=audio 0 RTP/AVP 0\r\n");
	assert_int_equal(sdp_parse(&s, bytes_mem(text, n), &error), 0);
	n += (size_t)snprintf(text + n, sizeof(text) - n, "m=audio 0 RTP/AVP 0\r\n");
	assert_int_equal(sdp_parse(&s, bytes_mem(text, n), &error), -EBADMSG);
}

/* The m-lines as "kind port proto formats;" */
static const struct {
	const char *file, *media;
} g_files[] = {
	{ "chrome-audio-trickle.sdp", "audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126;" },
	{ "chrome-audio-candidates.sdp", "audio 50027 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126;" },
	{ "chrome-audio-video.sdp",
	  "audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126;video 9 UDP/TLS/RTP/SAVPF 96 97 103 "
	  "104 107 108 109 114 115 116 117 118 39 40 98 99 45 46 112 119 120;" },
	{ "chrome-legacy-isac.sdp",
	  "audio 48144 RTP/SAVPF 111 103 104 9 0 8 106 105 13 110 112 113 126;" },
	{ "firefox-audio-trickle.sdp", "audio 9 UDP/TLS/RTP/SAVPF 109 9 0 8 101;" },
	{ "firefox-candidates.sdp", "audio 45274 UDP/TLS/RTP/SAVPF 109 9 0 8 101;" },
	{ "firefox-video-first.sdp", "video 9 UDP/TLS/RTP/SAVPF 120 124 121 125 126 127 97 "
				     "98;audio 9 UDP/TLS/RTP/SAVPF 109 9 0 8 101;" },
	{ "jsep-ice-lite.sdp", "audio 10018 RTP/SAVPF 8 0 101;" },
	{ "linphone-audio.sdp", "audio 44305 RTP/AVP 96 97 98 0 8 18 101 99 100;" },
	{ "linphone-ice.sdp", "audio 55244 RTP/AVP 96 97 98 0 8 18 101 99 100;" },
	{ "linphone-dtls.sdp", "audio 7078 UDP/TLS/RTP/SAVPF 96 97 98 99 0 8 100 101 102 103;" },
	{ "polycom-soundpoint.sdp", "audio 2262 RTP/AVP 9 0 8 18 101;" },
	{ "polycom-pt127.sdp", "audio 2262 RTP/AVP 9 0 8 18 127;" },
	{ "polycom-hold.sdp", "audio 2262 RTP/AVP 0 101;" },
	{ "polycom-srtp.sdp", "audio 49200 RTP/AVP 8 0 9 18 96;" },
	{ "polycom-realpresence.sdp",
	  "audio 1024 RTP/SAVP 118 115 114 9 102 113 101 103 0 8 15 18 119;" },
	{ "polycom-hdx-bfcp.sdp", "audio 49426 RTP/AVP 115 102 9 15 0 8 18;video 49428 RTP/AVP 109 "
				  "96 34 31;application 34683 TCP/BFCP *;" },
	{ "sbc-sonus.sdp", "audio 58002 RTP/AVP 0 8 18 101;" },
	{ "sbc-sonus-maxptime.sdp", "audio 21142 RTP/AVP 18;" },
	{ "sbc-audiocodes.sdp", "audio 6850 RTP/AVP 8 101;" },
	{ "sbc-audiocodes-siprec.sdp", "audio 7232 RTP/AVP 0 101;audio 7236 RTP/AVP 0 101;" },
	{ "sbc-audiocodes-teams.sdp",
	  "audio 7028 RTP/AVP 8 18 112 111 9 0 104 103 97 118 119 13 101;" },
	{ "cisco-cube.sdp", "audio 19402 RTP/AVP 0 100 101 19;" },
	{ "cisco-anat-ipv6.sdp", "audio 17836 RTP/AVP 0 101 19;audio 18938 RTP/AVP 0 101 19;" },
	{ "yealink-t2x.sdp", "audio 11782 RTP/AVP 9 0 8 18 101;" },
	{ "phone-hold-0000.sdp", "audio 12100 RTP/AVP 0 8 9 97 120 102 101;" },
	{ "pjsip-video-zero.sdp", "audio 40429 RTP/AVP 101 0;video 0 RTP/AVP 96;" },
	{ "rtpengine-dual-dtmf.sdp", "audio 11492 RTP/AVP 8 96 97 101;" },
	{ "answer-pt-mismatch.sdp", "audio 58085 RTP/AVP 8 0 97;" },
	{ "restcomm-two-dtmf.sdp", "audio 37402 RTP/AVP 8 0 3 18 97 102 101 126;" },
	{ "zoiper-srtp-many-crypto.sdp", "audio 54754 RTP/SAVP 3 101 0 8 97 110;" },
	{ "doubango-tcap.sdp", "audio 46052 RTP/AVP 0 8 101;" },
	{ "3cx-answer.sdp", "audio 12212 RTP/AVP 0 102;" },
	{ "freeswitch.sdp", "audio 16610 RTP/AVP 8 99 13;" },
	{ "bare-lf.sdp", "audio 16610 RTP/AVP 8;" },
	{ "asterisk-hold-inactive.sdp", "audio 16698 RTP/AVP 0 8 3 101;" },
};

static void write_media(struct writer *w, const struct sdp *s)
{
	for (uint8_t i = 0; i < s->media_count; i++) {
		const struct sdp_section *m = &s->sections[i + 1];

		writer_bytes(w, sdp_slice(s, m->kind));
		writer_fmt(w, " %u ", m->port);
		writer_bytes(w, sdp_slice(s, m->proto));
		writer_str(w, " ");
		writer_bytes(w, sdp_slice(s, m->formats));
		writer_str(w, ";");
	}
}

static void test_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(g_files); i++) {
		static uint8_t buf[8192], again[8192], media[1024];
		char path[128];
		struct writer w = writer_over(again, sizeof(again));
		struct writer m = writer_over(media, sizeof(media));
		struct sdp_error error;
		struct bytes in;
		struct sdp s;

		(void)snprintf(path, sizeof(path), "data/sdp/%s", g_files[i].file);
		in = data_read(path, buf, sizeof(buf));
		ROW_ASSERT(g_files[i].file, sdp_parse(&s, in, &error) == 0);
		write_media(&m, &s);
		ROW_ASSERT(g_files[i].file, bytes_is(writer_done(&m), g_files[i].media));
		sdp_write(&w, &s);
		if (strcmp(g_files[i].file, "bare-lf.sdp") == 0) {
			ROW_ASSERT(g_files[i].file, w.n == in.n + s.line_count);
		} else {
			ROW_ASSERT(g_files[i].file, bytes_eq(writer_done(&w), in));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refuses), cmocka_unit_test(test_refuses_a_nul),
		cmocka_unit_test(test_accepts), cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
