/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/media/data.h"

#include <errno.h>

#include "media/offer/offer.h"

#define SELF_HEAD "v=0\r\no=- 77 3 IN IP4 198.51.100.7\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n"
#define HEAD      "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=phone\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
#define RTCP0     "a=rtcp:40001 IN IP4 198.51.100.7\r\n"
#define RTCP1     "a=rtcp:40003 IN IP4 198.51.100.7\r\n"

static struct offer_policy policy_of(bool video)
{
	return (struct offer_policy){ .video = video, .event_pt = 101, .sdp_max = 8192 };
}

static struct offer_self self_of(const char *address)
{
	struct offer_self self = { .rtp_port = { 40000, 40002, 40004, 40006 },
				   .session_id = 77,
				   .session_version = 3 };

	assert_int_equal(addr_parse(&self.address, bytes_str(address)), 0);
	return self;
}

struct row {
	const char *name, *offer, *want;
};

static void check_forward(const struct row *row, const struct offer_policy *policy,
			  const struct offer_self *self)
{
	uint8_t buf[4096];
	struct writer w = writer_over(buf, sizeof(buf));
	struct offer_error error = { 0 };
	int err = offer_forward(bytes_str(row->offer), policy, self, &w, &error);

	if (err)
		fail_msg("%s: %d %s", row->name, err, error.reason);
	if (!bytes_is(writer_done(&w), row->want))
		fail_msg("%s: got\n" BYTES_FMT, row->name, BYTES_ARG(writer_done(&w)));
}

static void test_writes(void **state)
{
	static const struct row rows[] = {
		{ "a plain phone",
		  HEAD "m=audio 4000 RTP/AVP 0 8\r\n",
		  SELF_HEAD "m=audio 40000 RTP/AVP 0 8\r\na=sendrecv\r\n" RTCP0 },
		{ "kept: what belongs to the call",
		  HEAD "b=AS:64\r\na=tool:x\r\nm=audio 4000 RTP/AVPF 0 96\r\ni=title\r\nb=TIAS:64000\r\n"
		       "a=fmtp:96 mode=20\r\na=rtpmap:96 iLBC/8000\r\na=rtcp-fb:96 nack\r\n"
		       "a=rtcp-fb:* ccm tmmbr\r\na=ptime:20\r\na=maxptime:60\r\na=label:1\r\na=X-odd\r\n",
		  "v=0\r\no=- 77 3 IN IP4 198.51.100.7\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nb=AS:64\r\n"
		  "t=0 0\r\na=tool:x\r\nm=audio 40000 RTP/AVPF 0 96\r\ni=title\r\nb=TIAS:64000\r\n"
		  "a=rtpmap:96 iLBC/8000\r\na=fmtp:96 mode=20\r\na=rtcp-fb:96 nack\r\n"
		  "a=rtcp-fb:* ccm tmmbr\r\na=ptime:20\r\na=maxptime:60\r\na=label:1\r\na=X-odd\r\n"
		  "a=sendrecv\r\n" RTCP0 },
		{ "dropped: what belongs to the hop",
		  HEAD "u=http://192.0.2.1/\r\nk=clear:secret\r\na=ice-ufrag:x\r\na=group:BUNDLE 0\r\n"
		       "a=fingerprint:sha-256 00\r\na=msid-semantic:WMS\r\n"
		       "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 192.0.2.2\r\nk=clear:secret\r\n"
		       "a=rtcp:9 IN IP4 192.0.2.3\r\na=rtcp-mux\r\na=candidate:1 1 UDP 1 192.0.2.4 5 typ host\r\n"
		       "a=end-of-candidates\r\na=ice-pwd:y\r\na=crypto:1 A inline:k\r\na=setup:actpass\r\n"
		       "a=mid:0\r\na=ssrc:1 cname:c\r\na=msid:a b\r\na=source-filter: incl IN IP4 * 192.0.2.5\r\n"
		       "a=alt:1 1 : k 192.0.2.6 1\r\na=tcap:1 RTP/SAVP\r\na=pcfg:1 t=1\r\n",
		  SELF_HEAD "m=audio 40000 RTP/AVP 0\r\na=sendrecv\r\n" RTCP0 },
		{ "dropped: formats nobody can name, and what is said about them",
		  HEAD "m=audio 4000 RTP/AVP 0 96 97 0\r\na=rtpmap:97 rtx/8000\r\na=fmtp:97 apt=0\r\n"
		       "a=fmtp:96 x=1\r\na=rtpmap:98 opus/48000/2\r\na=rtcp-fb:98 nack\r\n",
		  SELF_HEAD "m=audio 40000 RTP/AVP 0\r\na=sendrecv\r\n" RTCP0 },
		{ "event moved to 101",
		  HEAD "m=audio 4000 RTP/AVP 0 127\r\na=rtpmap:127 telephone-event/8000\r\n"
		       "a=fmtp:127 0-15\r\n",
		  SELF_HEAD "m=audio 40000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
			    "a=fmtp:101 0-15\r\na=sendrecv\r\n" RTCP0 },
		{ "event stays: 101 is another codec",
		  HEAD "m=audio 4000 RTP/AVP 101 127\r\na=rtpmap:101 G7221/16000\r\n"
		       "a=rtpmap:127 telephone-event/8000\r\n",
		  SELF_HEAD "m=audio 40000 RTP/AVP 101 127\r\na=rtpmap:101 G7221/16000\r\n"
			    "a=rtpmap:127 telephone-event/8000\r\na=sendrecv\r\n" RTCP0 },
		{ "event stays: 101 is mapped, though not offered",
		  HEAD "m=audio 4000 RTP/AVP 0 127\r\na=rtpmap:101 G7221/16000\r\n"
		       "a=rtpmap:127 telephone-event/8000\r\n",
		  SELF_HEAD "m=audio 40000 RTP/AVP 0 127\r\na=rtpmap:127 telephone-event/8000\r\n"
			    "a=sendrecv\r\n" RTCP0 },
		{ "event stays: RED names it",
		  HEAD "m=audio 4000 RTP/AVP 0 127 121\r\na=rtpmap:127 telephone-event/8000\r\n"
		       "a=rtpmap:121 red/8000\r\na=fmtp:121 127/127\r\n",
		  SELF_HEAD "m=audio 40000 RTP/AVP 0 127 121\r\na=rtpmap:127 telephone-event/8000\r\n"
			    "a=rtpmap:121 red/8000\r\na=fmtp:121 127/127\r\na=sendrecv\r\n" RTCP0 },
		{ "the event of 8000 Hz is the one that moves",
		  HEAD "m=audio 4000 RTP/AVP 111 110 126\r\na=rtpmap:111 opus/48000/2\r\n"
		       "a=rtpmap:110 telephone-event/48000\r\na=rtpmap:126 telephone-event/8000\r\n",
		  SELF_HEAD "m=audio 40000 RTP/AVP 111 110 101\r\na=rtpmap:111 opus/48000/2\r\n"
			    "a=rtpmap:110 telephone-event/48000\r\na=rtpmap:101 telephone-event/8000\r\n"
			    "a=sendrecv\r\n" RTCP0 },
		{ "hold at session level",
		  HEAD "a=sendonly\r\nm=audio 4000 RTP/AVP 0\r\n",
		  SELF_HEAD "m=audio 40000 RTP/AVP 0\r\na=sendonly\r\n" RTCP0 },
		{ "the m-line's direction goes first",
		  HEAD "a=sendonly\r\nm=audio 4000 RTP/AVP 0\r\na=inactive\r\n",
		  SELF_HEAD "m=audio 40000 RTP/AVP 0\r\na=inactive\r\n" RTCP0 },
		{ "hold by 0.0.0.0",
		  HEAD "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n",
		  SELF_HEAD "m=audio 40000 RTP/AVP 0\r\na=sendonly\r\n" RTCP0 },
		{ "hold by 0.0.0.0, nothing sent either",
		  HEAD "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\na=recvonly\r\n",
		  SELF_HEAD "m=audio 40000 RTP/AVP 0\r\na=inactive\r\n" RTCP0 },
		{ "others keep their place with port 0",
		  HEAD "m=application 5 TCP/BFCP *\r\na=floorctrl:c-s\r\nm=audio 4000 RTP/AVP 0\r\n"
		       "m=video 6 RTP/AVP 31\r\na=rtpmap:31 H261/90000\r\nm=audio 0 RTP/AVP 8\r\n",
		  SELF_HEAD "m=application 0 TCP/BFCP *\r\nm=audio 40002 RTP/AVP 0\r\na=sendrecv\r\n" RTCP1
			    "m=video 0 RTP/AVP 31\r\nm=audio 0 RTP/AVP 8\r\n" },
		{ "SRTP is refused where plain is offered too",
		  HEAD "m=audio 5 RTP/SAVP 0\r\nm=audio 4000 RTP/AVP 0\r\n",
		  SELF_HEAD "m=audio 0 RTP/SAVP 0\r\nm=audio 40002 RTP/AVP 0\r\na=sendrecv\r\n" RTCP1 },
		{ "the fifth m-line is refused",
		  HEAD "m=audio 0 RTP/AVP 0\r\nm=audio 0 RTP/AVP 0\r\nm=audio 0 RTP/AVP 0\r\n"
		       "m=audio 8 RTP/AVP 0\r\nm=audio 9 RTP/AVP 0\r\n",
		  SELF_HEAD "m=audio 0 RTP/AVP 0\r\nm=audio 0 RTP/AVP 0\r\nm=audio 0 RTP/AVP 0\r\n"
			    "m=audio 40006 RTP/AVP 0\r\na=sendrecv\r\na=rtcp:40007 IN IP4 198.51.100.7\r\n"
			    "m=audio 0 RTP/AVP 0\r\n" },
		{ "no m-line at all", HEAD, SELF_HEAD },
		{ "every stream taken away", HEAD "m=audio 0 RTP/AVP 0\r\n",
		  SELF_HEAD "m=audio 0 RTP/AVP 0\r\n" },
		{ "a host name does not matter where nothing is sent",
		  HEAD "m=audio 0 RTP/AVP 0\r\nc=IN IP4 phone.example.com\r\n",
		  SELF_HEAD "m=audio 0 RTP/AVP 0\r\n" },
		{ "ANAT: the IPv4 alternative",
		  HEAD "a=group:ANAT 1 2\r\nm=audio 4000 RTP/AVP 0\r\nc=IN IP6 2001:db8::1\r\na=mid:1\r\n"
		       "m=audio 4002 RTP/AVP 0\r\na=mid:2\r\n",
		  SELF_HEAD "m=audio 0 RTP/AVP 0\r\nm=audio 40002 RTP/AVP 0\r\na=sendrecv\r\n" RTCP1 },
	}, *row;
	struct offer_policy policy = policy_of(false);
	struct offer_self self = self_of("198.51.100.7");

	(void)state;
	EACH_ROW(row, rows)
	{
		check_forward(row, &policy, &self);
	}
}

static void test_policy(void **state)
{
	static const struct row mux = {
		"rtcp-mux offered beside a=rtcp", HEAD "m=audio 4000 RTP/AVP 0\r\n",
		SELF_HEAD "m=audio 40000 RTP/AVP 0\r\na=sendrecv\r\na=rtcp-mux\r\n" RTCP0
	};
	static const struct row video = {
		"video: H.264 only",
		HEAD "m=video 4000 RTP/AVPF 96 97 98\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack "
		     "pli\r\n"
		     "a=rtpmap:97 H264/90000\r\na=fmtp:97 packetization-mode=1\r\na=rtcp-fb:97 "
		     "nack pli\r\n"
		     "a=rtpmap:98 rtx/90000\r\na=fmtp:98 apt=97\r\n",
		SELF_HEAD
		"m=video 40000 RTP/AVPF 97\r\na=rtpmap:97 H264/90000\r\n"
		"a=fmtp:97 packetization-mode=1\r\na=rtcp-fb:97 nack pli\r\na=sendrecv\r\n" RTCP0
	};
	static const struct row v6 = {
		"IPv6", HEAD "m=audio 4000 RTP/AVP 0\r\n",
		"v=0\r\no=- 77 3 IN IP6 2001:db8::7\r\ns=-\r\nc=IN IP6 2001:db8::7\r\nt=0 0\r\n"
		"m=audio 40000 RTP/AVP 0\r\na=sendrecv\r\na=rtcp:40001 IN IP6 2001:db8::7\r\n"
	};
	static const struct row no_move = {
		"event is not moved to a static number",
		HEAD "m=audio 4000 RTP/AVP 0 127\r\na=rtpmap:127 telephone-event/8000\r\n",
		SELF_HEAD "m=audio 40000 RTP/AVP 0 127\r\na=rtpmap:127 telephone-event/8000\r\n"
			  "a=sendrecv\r\n" RTCP0
	};
	struct offer_policy policy = policy_of(true);
	struct offer_self self = self_of("198.51.100.7"), self6 = self_of("2001:db8::7");

	(void)state;
	check_forward(&video, &policy, &self);
	check_forward(&v6, &policy, &self6);
	policy.event_pt = 34;
	check_forward(&no_move, &policy, &self);
	policy.rtcp_mux = true;
	check_forward(&mux, &policy, &self);
}

static void test_refuses(void **state)
{
	static const struct {
		const char *name, *offer;
		int err;
		uint16_t status, line;
	} rows[] = {
		{ "not SDP", "hello", -EBADMSG, 400, 0 },
		{ "no c=", "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\nm=audio 4 RTP/AVP 0\r\n", -EBADMSG, 400, 3 },
		{ "c= of two words", HEAD "m=audio 4 RTP/AVP 0\r\nc=IN IP4\r\n", -EBADMSG, 400, 7 },
		{ "c= of no address", HEAD "m=audio 4 RTP/AVP 0\r\nc=IN IP4 300.0.0.1\r\n", -EBADMSG, 400, 7 },
		{ "c= with a port", HEAD "m=audio 4 RTP/AVP 0\r\nc=IN IP4 192.0.2.1:80\r\n", -ENOTSUP, 488, 6 },
		{ "a=rtcp out of range", HEAD "m=audio 4 RTP/AVP 0\r\na=rtcp:65536\r\n", -EBADMSG, 400, 4 },
		{ "c= with a host name", HEAD "m=audio 4 RTP/AVP 0\r\nc=IN IP4 a.example.com\r\n", -ENOTSUP,
		  488, 6 },
		{ "c= with multicast", HEAD "m=audio 4 RTP/AVP 0\r\nc=IN IP4 233.252.0.1\r\n", -ENOTSUP, 488, 6 },
		{ "c= with a ttl", HEAD "m=audio 4 RTP/AVP 0\r\nc=IN IP4 233.252.0.1/127\r\n", -ENOTSUP, 488, 6 },
		{ "a=rtcp with a host name", HEAD "m=audio 4 RTP/AVP 0\r\na=rtcp:5 IN IP4 a.example\r\n",
		  -ENOTSUP, 488, 6 },
		{ "only SRTP", HEAD "m=audio 4 RTP/SAVP 0\r\n", -ENOTSUP, 488, 6 },
		{ "only DTLS-SRTP", HEAD "m=audio 4 UDP/TLS/RTP/SAVPF 0\r\n", -ENOTSUP, 488, 6 },
		{ "only video", HEAD "m=video 4 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n", -ENOTSUP, 488, 6 },
		{ "only fax", HEAD "m=image 4 udptl t38\r\n", -ENOTSUP, 488, 6 },
		{ "only unknown formats", HEAD "m=audio 4 RTP/AVP 96 97\r\n", -ENOTSUP, 488, 6 },
		{ "two ports in one m-line", HEAD "m=audio 4/2 RTP/AVP 0\r\n", -ENOTSUP, 488, 6 },
	}, *row;
	struct offer_policy policy = policy_of(false);
	struct offer_self self = self_of("198.51.100.7");

	(void)state;
	EACH_ROW(row, rows)
	{
		uint8_t buf[4096];
		struct writer w = writer_over(buf, sizeof(buf));
		struct offer_error error = { 0 };
		int err = offer_forward(bytes_str(row->offer), &policy, &self, &w, &error);

		if (err != row->err || error.status != row->status || error.line != row->line) {
			fail_msg("%s: %d %u line %u %s", row->name, err, error.status, error.line,
				 error.reason);
		}
		ROW_ASSERT(row->name, error.reason != NULL);
	}
}

static void test_limits(void **state)
{
	const struct bytes offer = BYTES_LIT(HEAD "m=audio 4000 RTP/AVP 0\r\n");
	struct offer_policy policy = policy_of(false);
	struct offer_self self = self_of("198.51.100.7");
	struct offer_error error = { 0 };
	uint8_t buf[4096];
	struct writer w = writer_over(buf, 60);

	(void)state;
	assert_int_equal(offer_forward(offer, &policy, &self, &w, &error), -ENOSPC);
	assert_int_equal(error.status, 413);
	w = writer_over(buf, sizeof(buf));
	policy.sdp_max = (uint16_t)(offer.n - 1);
	assert_int_equal(offer_forward(offer, &policy, &self, &w, &error), -EBADMSG);
	assert_int_equal(error.status, 413);
	policy.sdp_max++;
	self.rtp_port[0] = 0;
	assert_int_equal(offer_forward(offer, &policy, &self, &w, &error), -ENOTSUP);
	assert_int_equal(error.status, 488);
}

static void test_inspect(void **state)
{
	const struct bytes offer = BYTES_LIT(
		HEAD "m=application 5 TCP/BFCP *\r\nm=audio 4000 RTP/AVP 0\r\na=sendonly\r\n"
		     "a=rtcp:4005\r\nm=video 6000 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n"
		     "m=audio 0 RTP/AVP 0\r\nm=audio 4000 RTP/AVP 0\r\n");
	struct offer_policy policy = policy_of(true);
	struct offer_error error = { 0 };
	struct media_plan plan;
	char text[ADDR_TEXT_MAX];

	(void)state;
	assert_int_equal(offer_inspect(offer, &policy, &plan, &error), 0);
	assert_int_equal(plan.line_count, MEDIA_LINES_MAX);
	assert_int_equal(plan.line[0].active, 0);
	assert_int_equal(plan.line[1].active, 1);
	assert_int_equal(plan.line[1].kind, MEDIA_AUDIO);
	assert_string_equal(addr_text(&plan.line[1].a.rtp, text), "192.0.2.1:4000");
	assert_string_equal(addr_text(&plan.line[1].a.rtcp, text), "192.0.2.1:4005");
	assert_int_equal(plan.line[1].a.sends, 1);
	assert_int_equal(plan.line[1].a.receives, 0);
	assert_int_equal(plan.line[2].active, 1);
	assert_int_equal(plan.line[2].kind, MEDIA_VIDEO);
	assert_string_equal(addr_text(&plan.line[2].a.rtcp, text), "192.0.2.1:6001");
	assert_int_equal(plan.line[3].active, 0);
	assert_int_equal(offer_inspect(BYTES_LIT("v=0"), &policy, &plan, &error), -EBADMSG);
	assert_int_equal(error.status, 400);
}

/* How the offers of phones and gateways come out: "kind port formats;" with our ports, or the status. */
static void test_files(void **state)
{
	static const struct {
		const char *file, *want;
		uint16_t status;
	} rows[] = {
		{ "linphone-audio.sdp", "audio 40000 96 97 98 0 8 18 101 99 100;", 0 },
		{ "linphone-ice.sdp", "audio 40000 96 97 98 0 8 18 101 99 100;", 0 },
		{ "polycom-soundpoint.sdp", "audio 40000 9 0 8 18 101;", 0 },
		{ "polycom-pt127.sdp", "audio 40000 9 0 8 18 101;", 0 },
		{ "polycom-hold.sdp", "audio 40000 0 101;", 0 },
		{ "polycom-srtp.sdp", "audio 40000 8 0 9 18 101;", 0 },
		{ "polycom-hdx-bfcp.sdp", "audio 40000 115 102 9 15 0 8 18;video 40002 109;application 0 *;",
		  0 },
		{ "polycom-realpresence.sdp", NULL, 488 },
		{ "sbc-sonus.sdp", "audio 40000 0 8 18 101;", 0 },
		{ "sbc-sonus-maxptime.sdp", "audio 40000 18;", 0 },
		{ "sbc-audiocodes.sdp", "audio 40000 8 101;", 0 },
		{ "sbc-audiocodes-siprec.sdp", "audio 40000 0 101;audio 40002 0 101;", 0 },
		{ "sbc-audiocodes-teams.sdp", "audio 40000 8 18 112 111 9 0 104 103 97 118 119 13 101;", 0 },
		{ "cisco-cube.sdp", "audio 40000 0 100 101 19;", 0 },
		{ "cisco-anat-ipv6.sdp", "audio 0 0 101 19;audio 40002 0 101 19;", 0 },
		{ "yealink-t2x.sdp", "audio 40000 9 0 8 18 101;", 0 },
		{ "phone-hold-0000.sdp", "audio 40000 0 8 9 97 120 102 101;", 0 },
		{ "rtpengine-dual-dtmf.sdp", "audio 40000 8 96 97 101;", 0 },
		{ "restcomm-two-dtmf.sdp", "audio 40000 8 0 3 18 97 102 101 126;", 0 },
		{ "doubango-tcap.sdp", "audio 40000 0 8 101;", 0 },
		{ "freeswitch.sdp", "audio 40000 8 101 13;", 0 },
		{ "bare-lf.sdp", "audio 40000 8;", 0 },
		{ "asterisk-hold-inactive.sdp", "audio 40000 0 8 3 101;", 0 },
		{ "zoiper-srtp-many-crypto.sdp", NULL, 488 },
		{ "chrome-audio-video.sdp", NULL, 488 },
		{ "firefox-audio-trickle.sdp", NULL, 488 },
		{ "jsep-ice-lite.sdp", NULL, 488 },
	}, *row;
	struct offer_policy policy = policy_of(true);
	struct offer_self self = self_of("198.51.100.7");

	(void)state;
	EACH_ROW(row, rows)
	{
		static uint8_t buf[8192], out[8192], got[512];
		char path[128];
		struct writer w = writer_over(out, sizeof(out)), m = writer_over(got, sizeof(got));
		struct offer_error error = { 0 };
		struct bytes rest, line, word;
		int err;

		(void)snprintf(path, sizeof(path), "data/sdp/%s", row->file);
		err = offer_forward(data_read(path, buf, sizeof(buf)), &policy, &self, &w, &error);
		ROW_ASSERT(row->file, error.status == row->status && !err == !row->status);
		for (rest = writer_done(&w); !err && bytes_cut(&rest, '\n', &line);) {
			if (!bytes_starts(line, "m="))
				continue;
			line = bytes_trim(bytes_from(line, 2));
			for (int i = 0; bytes_cut(&line, ' ', &word); i++) {
				if (i == 2)
					continue;
				writer_bytes(&m, word);
				writer_str(&m, line.n ? " " : ";");
			}
		}
		if (!err && !bytes_is(writer_done(&m), row->want))
			fail_msg("%s: " BYTES_FMT, row->file, BYTES_ARG(writer_done(&m)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_writes),  cmocka_unit_test(test_policy),
		cmocka_unit_test(test_refuses), cmocka_unit_test(test_limits),
		cmocka_unit_test(test_inspect), cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
