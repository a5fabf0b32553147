import { type Context, NO_BODY, type Reply, receiveDocument, xmlReply } from './context.ts';
import { S3Error } from './errors.ts';
import { Bucket, bucketOf } from './store.ts';
import { element } from './xml.ts';

export async function listBuckets(context: Context): Promise<Reply> {
  await receiveDocument(context);
  const rows = [...context.store.buckets.keys()]
    .sort()
    .map((name) => element('Bucket', element('Name', name)));
  return xmlReply(element('ListAllMyBucketsResult', element('Buckets', ...rows)));
}

export async function createBucket(context: Context): Promise<Reply> {
  await receiveDocument(context);
  const { request, store } = context;
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(request.bucket)) {
    throw new S3Error('InvalidBucketName', 'The specified bucket is not valid.', {
      BucketName: request.bucket,
    });
  }
  if (store.buckets.has(request.bucket)) {
    throw new S3Error(
      'BucketAlreadyOwnedByYou',
      'Your previous request to create the named bucket succeeded and you already own it.',
    );
  }
  store.buckets.set(request.bucket, new Bucket());
  return { status: 200, headers: { location: `/${request.bucket}` }, body: NO_BODY };
}

export async function headBucket(context: Context): Promise<Reply> {
  await receiveDocument(context);
  bucketOf(context.store, context.request.bucket);
  return { status: 200, headers: { 'x-amz-bucket-region': context.settings.region }, body: NO_BODY };
}

export async function getBucketLocation(context: Context): Promise<Reply> {
  await receiveDocument(context);
  bucketOf(context.store, context.request.bucket);
  const { region } = context.settings;
  // The oldest region has no name here.
  return xmlReply(element('LocationConstraint', region === 'us-east-1' ? '' : region));
}
