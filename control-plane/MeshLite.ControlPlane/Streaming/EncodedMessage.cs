using Google.Protobuf;
using Google.Protobuf.Reflection;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.V1;

namespace MeshLite.ControlPlane.Streaming;

/// <summary>
/// A <see cref="ControlPlaneMessage"/> on its way out, on the wire the same, but holding its resources encoded: thousands of
/// streams send the same bytes without serializing the same objects again. Write-only; immutable.
/// </summary>
internal sealed class EncodedMessage : IMessage<EncodedMessage>, IBufferMessage
{
    /// <summary>The stream's method with this as its response.</summary>
    public static readonly GrpcMethod<SidecarMessage, EncodedMessage> Method = new(
        MeshMethods.ConfigurationStream.Service, MeshMethods.ConfigurationStream.Name,
        MeshMethods.ConfigurationStream.RequestParser, new MessageParser<EncodedMessage>(() => throw WriteOnly()));

    // Tags of ControlPlaneMessage.update, Update.nonce and Update.resources (configuration.proto).
    private const uint UpdateTag = (ControlPlaneMessage.UpdateFieldNumber << 3) | (uint)WireFormat.WireType.LengthDelimited;
    private const uint NonceTag = (Protocol.V1.Update.NonceFieldNumber << 3) | (uint)WireFormat.WireType.Varint;
    private const uint ResourcesTag = (Protocol.V1.Update.ResourcesFieldNumber << 3) | (uint)WireFormat.WireType.LengthDelimited;

    private readonly ControlPlaneMessage? _message;
    private readonly ulong _nonce;
    private readonly List<ByteString> _resources = [];
    private readonly int _updateSize;

    private EncodedMessage(ControlPlaneMessage message) => _message = message;

    private EncodedMessage(ulong nonce, List<ByteString> resources)
    {
        (_nonce, _resources) = (nonce, resources);
        // Every tag here is one byte.
        _updateSize = 1 + CodedOutputStream.ComputeUInt64Size(nonce);
        foreach (var resource in resources)
        {
            _updateSize += 1 + CodedOutputStream.ComputeBytesSize(resource);
        }
    }

    /// <inheritdoc/>
    public MessageDescriptor Descriptor => ControlPlaneMessage.Descriptor;

    /// <summary>An Update of resources already encoded; <paramref name="nonce"/> is at least 1.</summary>
    public static EncodedMessage Update(ulong nonce, List<ByteString> resources) => new(nonce, resources);

    /// <summary>Any other message.</summary>
    public static EncodedMessage Of(ControlPlaneMessage message) => new(message);

    /// <inheritdoc/>
    public int CalculateSize() => _message?.CalculateSize() ?? 1 + CodedOutputStream.ComputeLengthSize(_updateSize) + _updateSize;

    /// <inheritdoc/>
    public void InternalWriteTo(ref WriteContext output)
    {
        if (_message is IBufferMessage message)
        {
            message.InternalWriteTo(ref output);
            return;
        }

        output.WriteTag(UpdateTag);
        output.WriteLength(_updateSize);
        output.WriteTag(NonceTag);
        output.WriteUInt64(_nonce);
        foreach (var resource in _resources)
        {
            output.WriteTag(ResourcesTag);
            output.WriteBytes(resource);
        }
    }

    /// <inheritdoc/>
    public void WriteTo(CodedOutputStream output) => throw new NotSupportedException("written through InternalWriteTo");

    /// <inheritdoc/>
    public EncodedMessage Clone() => this;

    /// <inheritdoc/>
    public bool Equals(EncodedMessage? other) => ReferenceEquals(this, other);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => ReferenceEquals(this, obj);

    /// <inheritdoc/>
    public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);

    /// <inheritdoc/>
    public void MergeFrom(EncodedMessage message) => throw WriteOnly();

    /// <inheritdoc/>
    public void MergeFrom(CodedInputStream input) => throw WriteOnly();

    /// <inheritdoc/>
    public void InternalMergeFrom(ref ParseContext input) => throw WriteOnly();

    private static NotSupportedException WriteOnly() => new("only ever sent");
}
