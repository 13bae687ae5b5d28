// The worker that executes replay specs on an OpenCL device.
import Replay
