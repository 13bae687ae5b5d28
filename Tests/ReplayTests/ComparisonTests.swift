// Replay tests.
import Testing
