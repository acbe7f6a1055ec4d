"""Pictures with their classes in colours, by the name that notebooks know it by."""

from deconvgen.tasks._class_pictures import segmented, with_legend

__all__ = ["segmented", "with_legend"]
