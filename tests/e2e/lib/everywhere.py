# SPDX-License-Identifier: Apache-2.0
"""What is to work over every port: tests that were written for the kernel's sockets and run again at another place (lib/place.py)."""
NAMES = (
    "call_test.Calls.test_audio_and_keys_cross_both_ways",
    "call_test.Calls.test_dscp",
    "call_test.Calls.test_strangers_are_not_forwarded",
    "srtp_test.Srtp.test_a_new_key_in_a_reinvite",
    "dialogs_test.Hold.test_the_caller_holds",
    "music_test.Held.test_by_command",
    "tones_test.Ringback.test_by_command",
    "dialogs_test.Changes.test_media_moves_to_another_port",
    "dialogs_test.Changes.test_keys_by_info_cross_once",
    "fax_test.Fax.test_a_page",
    "video_test.Video.test_two_phones_see_each_other",
    "bleed_test.Bleed.test_before_the_first_packet",
    "bleed_test.Bleed.test_a_call_under_way",
    "bundle_test.Bundled.test_sound_and_picture",
    "bundle_test.Bundled.test_a_lost_picture_comes_again",
    "doctor_test.Doctor.test_every_fault_has_its_name",
    "trace_test.InClear.test_a_call",
    "trace_test.Export.test_sip_and_rtcp_of_a_call",
)
