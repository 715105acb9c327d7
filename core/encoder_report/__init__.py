"""An encoder tried on a sample of a collection: pictures changed, texts cut, what probes find."""

from core.encoder_report.report import STAGES, EncoderReport
from core.encoder_report.run import try_encoder, work
from core.encoder_report.sample import Sample, sample, sample_key

__all__ = ["STAGES", "EncoderReport", "Sample", "sample", "sample_key", "try_encoder", "work"]
