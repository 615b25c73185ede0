"""FHIR R4: signed reports as DiagnosticReport, their means as Observation, bedsides and models as Device."""
