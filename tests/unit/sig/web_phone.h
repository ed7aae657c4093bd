/* SPDX-License-Identifier: Apache-2.0 */
/* What a browser says, and who is one. */
#ifndef TESTS_UNIT_SIG_WEB_PHONE_H
#define TESTS_UNIT_SIG_WEB_PHONE_H

#include "tests/unit/sig/rig.h"
#include "tests/unit/test.h"

#define FINGER_A                                                                                  \
	"00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:" \
	"DD:EE:FF"
#define FINGER_B                                                                                  \
	"FF:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:" \
	"DD:EE:FF"
#define WEB_SDP(ufrag, finger, setup, direction)                                           \
	"v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"          \
	"m=audio 9 UDP/TLS/RTP/SAVPF 111 0 110\r\nc=IN IP4 0.0.0.0\r\n"                    \
	"a=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:" ufrag                                    \
	"\r\na=ice-pwd:by3GZGG1lboN4xEHfvYRHkFQ\r\na=ice-options:trickle\r\n"              \
	"a=fingerprint:sha-256 " finger "\r\na=setup:" setup "\r\na=mid:0\r\na=" direction \
	"\r\na=rtcp-mux\r\n"                                                               \
	"a=rtpmap:111 opus/48000/2\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:110 "               \
	"telephone-event/48000\r\n"
#define WEB_A    WEB_SDP("aaaa", FINGER_A, "actpass", "sendrecv")
#define SUITE_80 MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80

RIG_FN void webrtc(struct rig *r, const char *number, enum shard_webrtc wish)
{
	struct shard_extension e = rig_extension(number, false);

	e.webrtc = (uint8_t)wish;
	assert_int_equal(shard_extension_put(r->shard, &e), 0);
}

#endif
