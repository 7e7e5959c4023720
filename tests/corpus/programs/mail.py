#!/usr/bin/python3
"""A mail about a build, to the team's server."""

import smtplib
from email.message import EmailMessage

message = EmailMessage()
message["From"], message["To"] = "ci@vendor.example", "team@vendor.example"
message["Subject"] = "Build 42"
message.set_content("It works.")
with smtplib.SMTP("mail.vendor.example", 25, timeout=5) as server:
    server.send_message(message)
