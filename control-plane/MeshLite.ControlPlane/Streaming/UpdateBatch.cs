using Google.Protobuf;
using MeshLite.ControlPlane.Publish;

namespace MeshLite.ControlPlane.Streaming;

/// <summary>An Update to be sent.</summary>
/// <param name="Resources">Encoded, in the order in which they are to be applied.</param>
/// <param name="Bytes">Their length together.</param>
/// <param name="ChangedAt">When the oldest change among them was noticed; null: it only brings what was not held before.</param>
/// <param name="Versions">What its acknowledgement will say of whom; null: of nobody whom anyone counts.</param>
internal readonly record struct UpdateBatch(List<ByteString> Resources, int Bytes, long? ChangedAt, List<SentVersion>? Versions);

/// <summary>A version of a resource that is on its way.</summary>
internal readonly record struct SentVersion(PublishEntry Entry, string Version);
