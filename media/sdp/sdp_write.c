/* SPDX-License-Identifier: Apache-2.0 */
#include "media/sdp/sdp.h"

void sdp_write_line(struct writer *w, char type, struct bytes value)
{
	writer_u8(w, (uint8_t)type);
	writer_u8(w, '=');
	writer_bytes(w, value);
	writer_str(w, "\r\n");
}
