#!/bin/sh
# A worker program that is whatever the test says.
eval "$PARZEN_TEST_WORKER"
