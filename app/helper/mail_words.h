/* SPDX-License-Identifier: Apache-2.0 */
/* Text of a header of a mail: as it is, or as encoded words of RFC 2047 where it is no plain ASCII. Pure. */
#ifndef APP_HELPER_MAIL_WORDS_H
#define APP_HELPER_MAIL_WORDS_H

#include "base/bytes.h"

/* text: UTF-8. Its control characters are '?': no text begins another line. Lines are folded (RFC 5322 2.2.3). */
void mail_words_write(struct writer *w, struct bytes text);

#endif
